/* SPDX-License-Identifier: MIT */
/*
 * An audit of all address spaces that is quick enough to be made after every step of a random
 * test: one look at each PTE, one walk for each page.
 */
#ifndef TESTS_HOST_MM_SCAN_H
#define TESTS_HOST_MM_SCAN_H

/*
 * Fail the test unless reverse mapping and the page tables of all processes say the same
 * (RMAP-COMPLETE, PAIR, EXCLUSIVE), every page and swap slot is counted as often as it is mapped,
 * no migration entry is left, every VMA tree is valid, and the resident sets are right. Nothing
 * else runs, and no page is locked.
 */
void scan_everything(void);

#endif
