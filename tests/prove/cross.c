/* SPDX-License-Identifier: BSD-2-Clause */
/* cross.c - is a boundary inside a block, for Frama-C */
#include "pow2.acsl"

/*@ lemma quotient: \forall integer x, q, a; a > 0 && x >= 0 && q >= 0 ==>
  @   (x / a == q <==> q * a <= x < q * a + a); */
/*@ lemma inside_same: \forall integer x, n, a;
  @   x >= 0 && n >= 1 && a > 0 && x / a == (x + n - 1) / a ==>
  @   inside(x, n, a); */
/*@ lemma same_inside: \forall integer x, n, a;
  @   x >= 0 && n >= 1 && a > 0 && inside(x, n, a) ==>
  @   x / a == (x + n - 1) / a; */

#include "bits.acsl"

/*@ axiomatic Xor {
  @   axiom mask_xor: \forall uint64_t x, y, a, m; pow2(a) && m == TOP - a ==>
  @     (((x ^ y) & m) == 0 <==> x / a == y / a);
  @   axiom mask_xor_swapped: \forall uint64_t m, x, y, a;
  @     pow2(a) && m == TOP - a ==>
  @     (((x ^ y) & m) == 0 <==> x / a == y / a);
  @ } */

#include "alloc/arith.h"

bool
cross_some(uint64_t start, uint64_t size, uint64_t boundary)
{
	return kv_crosses(start, size, boundary);
}
