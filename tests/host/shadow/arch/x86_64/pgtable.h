/* SPDX-License-Identifier: MIT */
/* The real thing; each access to an entry that another CPU may see is a scheduling point. */
#ifndef SHADOW_ARCH_X86_64_PGTABLE_H
#define SHADOW_ARCH_X86_64_PGTABLE_H

#include "../../../../../arch/x86_64/pgtable.h"

#include "tests/host/point.h"

#define PTE_POINT(p, op) host_point(POINT_PTE, p, #op)

#define ptep_get(p)		     (PTE_POINT(p, ptep_get), ptep_get(p))
#define set_pte(p, pte)		     (PTE_POINT(p, set_pte), set_pte(p, pte))
#define pte_clear(p)		     (PTE_POINT(p, pte_clear), pte_clear(p))
#define ptep_xchg(p, pte)	     (PTE_POINT(p, ptep_xchg), ptep_xchg(p, pte))
#define ptep_get_and_clear(p)	     (PTE_POINT(p, ptep_get_and_clear), ptep_get_and_clear(p))
#define ptep_cmpxchg(p, old, new)    (PTE_POINT(p, ptep_cmpxchg), ptep_cmpxchg(p, old, new))
#define ptep_set_wrprotect(p)	     (PTE_POINT(p, ptep_set_wrprotect), ptep_set_wrprotect(p))
#define ptep_test_and_clear_young(p) (PTE_POINT(p, ptep_clear_young), ptep_test_and_clear_young(p))

#define pmdp_get(p)	      (PTE_POINT(p, pmdp_get), pmdp_get(p))
#define set_pmd(p, pmd)	      (PTE_POINT(p, set_pmd), set_pmd(p, pmd))
#define pmd_clear(p)	      (PTE_POINT(p, pmd_clear), pmd_clear(p))
#define pmdp_get_and_clear(p) (PTE_POINT(p, pmdp_get_and_clear), pmdp_get_and_clear(p))

#endif
