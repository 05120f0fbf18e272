/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c - what a request that keeps the rules gets, for Frama-C
 *
 * Of a free block, a request that kv_vmem_req_check lets pass gets an address
 * that fits: in the block, within min and max, of its phase, in one window of
 * nocross.  It is refused only when the block has none.  fit.c says what holds
 * for all other requests as well.
 */
#include "pow2.acsl"

/*@ lemma order: \forall integer p, q, a; a > 0 && p * a < q * a ==> p < q; */
/*@ lemma steps: \forall integer p, q, a; a > 0 && p < q ==>
  @   p * a + a <= q * a; */
/*@ lemma gap: \forall integer u, v, a;
  @   a > 0 && multiple(u, a) && multiple(v, a) && u < v ==> u + a <= v; */
/*@ lemma zero: \forall integer a; multiple(0, a); */
/*@ lemma back: \forall integer y, b, p, a; a > 0 && multiple(y, a) &&
  @   multiple(b, a) && 0 <= p < a && b - p <= y ==> b <= y; */
#include "bits.acsl"

/*@ axiomatic Pow2 {
  @   axiom pow2_divides: \forall integer a, b;
  @     pow2(a) && pow2(b) && a <= b ==> multiple(b, a);
  @   axiom pow2_through: \forall integer x, a, b;
  @     pow2(a) && pow2(b) && a <= b && multiple(x, b) ==> multiple(x, a);
  @   axiom pow2_half: \forall integer a, b;
  @     pow2(a) && pow2(b) && a < b ==> 2 * a <= b;
  @   axiom pow2_top: \forall integer a; pow2(a) ==> multiple(TOP, a);
  @ } */

/*@ lemma next_window: \forall integer s, v, n, p, a, c;
  @   pow2(a) && pow2(c) && a < c && 0 <= p < a && n >= 1 &&
  @   multiple(v - p, a) && s <= v && inside(v, n, c) && !inside(s, n, c) ==>
  @   \exists integer b; multiple(b, c) && s < b && b + p <= v; */

#include "alloc/arena.h"

/*@ predicate keeps_rules(struct kv_vmem_req *rq) =
  @   pow2(rq->align) && rq->phase < rq->align && (rq->nocross == 0 ||
  @   (pow2(rq->nocross) && rq->align < rq->nocross &&
  @   rq->phase + rq->size <= rq->nocross)); */

/*@ predicate fits(struct bt *t, struct kv_vmem_req *rq, integer va) =
  @   t->start <= va && rq->min <= va &&
  @   va + (rq->size - 1) <= t->start + (t->size - 1) &&
  @   va + (rq->size - 1) <= rq->max &&
  @   multiple(va - rq->phase, rq->align) &&
  @   (rq->nocross == 0 || inside(va, rq->size, rq->nocross)); */

/*@ requires \valid_read(t) && \valid_read(rq) && \valid(va);
  @ requires \separated(va, t, rq);
  @ requires t->size >= 1 && t->start + (t->size - 1) <= UINT64_MAX;
  @ requires rq->size >= 1 && keeps_rules(rq);
  @ assigns *va;
  @ ensures in_block: \result != 0 ==> t->start <= *va &&
  @   *va + (rq->size - 1) <= t->start + (t->size - 1);
  @ ensures in_limits: \result != 0 ==>
  @   rq->min <= *va && *va + (rq->size - 1) <= rq->max;
  @ ensures aligned: \result != 0 ==> multiple(*va - rq->phase, rq->align);
  @ ensures one_window: \result != 0 ==>
  @   rq->nocross == 0 || inside(*va, rq->size, rq->nocross);
  @ ensures lowest: \result != 0 ==>
  @   \forall integer a; fits(t, rq, a) ==> *va <= a;
  @ ensures none: \result == 0 ==> \forall integer a; !fits(t, rq, a); */
bool kv_arena_fits(
    const struct bt *t, const struct kv_vmem_req *rq, kv_va_t *va);

#include "alloc/vmem_fit.c"
