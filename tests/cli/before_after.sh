#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# before_after.sh SOURCE KVASIR - mistakes that were made, as policies: with the
# one of then the judge says what is broken, with that of now nothing is
set -u
source=$1 kvasir=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

# violations PARAMETER=VALUE: their ids, once each
violations() {
	status=0
	"$kvasir" run "$source/scenarios/$scenario.yaml" --format json \
	    -D "$1" >"$out" 2>/dev/null || status=$?
	[ $status -le 1 ] || echo "exit status $status"
	sed -n 's/^ *"id": "\(.*\)",$/\1/p' "$out" | sort -u | tr '\n' ' '
}

while read -r scenario before after ids; do
	got=$(violations "$before")
	[ "$got" = "$ids " ] || {
		echo "$scenario $before: violates '$got', not '$ids'"
		failed=1
	}
	got=$(violations "$after")
	[ "$got" = "" ] || {
		echo "$scenario $after: violates '$got'"
		failed=1
	}
done <<'ROWS'
c101_global_alone flush=none flush=previous V7
c101_global_alone flush=none flush=all V7
c101_global_alone flush=none flush=own V7
r400_elfuse_third_isolate fault=elfuse-F1 fault=none elfuse-E7
r401_elfuse_unmap_in_full_pool fault=elfuse-F2 fault=none elfuse-E7
r402_elfuse_partial_unmap fault=elfuse-F3 fault=none V7 V8 elfuse-E6
r403_elfuse_page_drawn_twice race=5 race=0 V3 elfuse-E2 ptpool-I1
r404_elfuse_split_loses fault=elfuse-F6 fault=none V5
r405_elfuse_block_over_table fault=elfuse-F8 fault=none V3 elfuse-E5 ptpool-I5
r406_elfuse_first_range_only fault=elfuse-F9 fault=none V7
r407_elfuse_same_generation fault=elfuse-F10 fault=none V7
r408_elfuse_pool_is_mapped user=true user=false elfuse-E3
r409_elfuse_rights_of_both fault=elfuse-F7 fault=none elfuse-E4
r410_elfuse_reserve_is_changed fault=elfuse-F11 fault=none elfuse-E3
r412_elfuse_exec_keeps_tables how=exec_stay how=exec V3 elfuse-E2 ptpool-I5
r412_elfuse_exec_keeps_tables how=fork_base how=fork V3 elfuse-E2 ptpool-I5
r412_elfuse_exec_keeps_tables how=exec_unmap how=exec elfuse-E7
r411_nub_lent_by_a_frame template=false template=true V3 space-I3
r450_nub_store_window fault=nub-F13 fault=none nub-N1
r451_nub_no_flush_after_copy fault=nub-F1 fault=none V7 nub-N4
r452_nub_pinned_is_copied fault=nub-F2 fault=none nub-N2
r453_nub_evicted_while_mapped fault=nub-F3 fault=none V6 nub-N5 space-I2
r454_nub_no_discipline fault=nub-F4 fault=none V7 nub-N8
r455_nub_key_is_the_name fault=nub-F5 fault=none V7 nub-N8
r456_nub_next_count fault=nub-F6 fault=none V7 nub-N8
r457_nub_global_data fault=nub-F7 fault=none V7 cow-I4 nub-N7 nub-N8
r458_nub_rearm fault=nub-F8 fault=none V7 nub-N12
r459_nub_shared_token fault=nub-F9 fault=none V7 nub-N8
r459_nub_shared_token last=shared fault=none V7 nub-N8
r460_nub_minted_though_dropped fault=nub-F10 fault=none nub-N6
r461_nub_zero_frame_written fault=nub-F11 fault=none cow-I3 nub-N11
r462_nub_template_freed fault=nub-F12 fault=none V3 nub-N9 ptpool-I5
r463_nub_rebuilt_without_its_pages rebuild=original rebuild=leaves nub-N10 residents-I2
r463_nub_rebuilt_without_its_pages rebuild=mapped rebuild=leaves cow-I1 nub-N10 residents-I2
r464_nub_store_written on_write=in_place on_write=copy cow-I1 nub-N3
r465_nub_no_shootdown shootdown=local shootdown=all V7 nub-N4
r466_nub_charged_by_reuse gets=kept gets=parked nub-N12
r466_nub_charged_by_reuse gets=kept gets=rebuilt nub-N12
r500_illumos_old_rule fault=illumos-F1 fault=none V9 illumos-I2 illumos-I4
r501_illumos_old_constants fault=illumos-F2 fault=none V9 illumos-I2 illumos-I4
r502_illumos_heap_at_1t fault=illumos-F3 fault=none illumos-I4
r503_illumos_dr_support fault=illumos-F4 fault=none illumos-I1 illumos-I4
r504_illumos_ktss_anchor fault=illumos-F5 fault=none V9 illumos-I6
r505_illumos_20t fault=illumos-F6 fault=none V9 illumos-I2 illumos-I4
r506_illumos_red_zone fault=illumos-F7 fault=none illumos-I1
r507_illumos_hole_in_memory fault=illumos-F8 fault=none illumos-I3
r508_illumos_wrong_size fault=illumos-F9 fault=none V1 vmem-I5
r509_illumos_span_kept fault=illumos-F10 fault=none V2
r510_illumos_small_quantum fault=illumos-F11 fault=none illumos-I8
r511_illumos_base_goes_up clamp=off clamp=on illumos-I5
r512_illumos_more_than_memory cap=1T cap=256G illumos-I7
r513_illumos_wrong_arena fault=illumos-F9 fault=none V2 world-I3
r520_guile_old_linker fault=guile-F1 fault=none guile-U1 guile-U3
r521_guile_lucky_file align=4K align=64K guile-U3
r522_guile_round_down fault=guile-F2 fault=none guile-U2
r523_guile_packed_tail fault=guile-F4 fault=none guile-U2
r524_guile_congruent mapper=congruent mapper=whole guile-U4
r525_guile_copied path=memcpy path=cow_lazy guile-U5
r526_guile_page_only fault=guile-F9 fault=none guile-U6
r527_guile_text_loses_execute fault=guile-F3 fault=none guile-U7
r528_guile_granularity fault=guile-F5 fault=none guile-U1
r528_guile_granularity mapper=per_segment mapper=whole guile-U1
r530_elfuse_pool_end fault=elfuse-F4 fault=none V9 elfuse-E1
r531_elfuse_blob fault=elfuse-F5 fault=none elfuse-E1
r532_unaligned_superpage join=unaligned join=exact V4 pmap-I3
r533_guile_4k_only fault=guile-F6 fault=none guile-U6
r534_guile_old_file_old_loader fault=guile-F7 fault=none guile-U6
r535_guile_16k_file_page_only fault=guile-F8 fault=none guile-U6
r536_guile_old_file_new_loader fault=guile-F10 fault=none guile-U6
r537_guile_16k_file_new_loader fault=guile-F11 fault=none guile-U6
r538_illumos_guests_in_the_dump from=heap from=kvmm illumos-I8
ROWS
exit $failed
