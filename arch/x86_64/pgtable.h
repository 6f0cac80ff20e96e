/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_PGTABLE_H
#define ARCH_X86_64_PGTABLE_H

/*
 * The format of page-table entries, and the only way to touch them.
 *
 * A present PTE, as the CPU reads it:
 *
 *    63   62..52    51 ........ 12   11..9     8   7   6 5  4   3   2   1  0
 *   +--+----------+----------------+--------+---+---+-+-+---+---+---+--+-+
 *   |NX| ignored  | frame number   |software| G |PSE|D|A|PCD|PWT|U/S|RW|P|
 *   +--+----------+----------------+--------+---+---+-+-+---+---+---+--+-+
 *
 * PROT_NONE memory that has a page keeps its frame number with P clear and _PAGE_PROTNONE (bit 8,
 * which the CPU ignores when P is clear) set: every access traps, the kernel's own included, yet
 * pte_present() is true, because the page is mapped. Clearing U/S instead would let the kernel's
 * user copies through.
 *
 * An entry that is neither present nor zero is a typed entry: swap, migration, poison.
 *
 *    63..59   58 .................... 9   8   7   6 .. 2   1   0
 *   +-------+--------------------------+---+---+--------+---+---+
 *   | zero  | offset, all bits flipped | 0 | 0 |  type  | E | 0 |
 *   +-------+--------------------------+---+---+--------+---+---+
 *
 * The offset is stored flipped so that the "frame number" a CPU may speculate with (L1 terminal
 * fault) lies above all memory. E says that the swapped page belonged to one process alone. Types:
 * 0..23 swap devices, 28 migration read, 29 migration write, 30 migration exclusive read, 31
 * hardware poison.
 *
 * Who may write: the holder of the page table's lock, with set_pte() when the old entry was not
 * present, and with an atomic exchange or bit operation when it was, since the CPU sets A and D at
 * any moment.
 */

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/layout.h"

typedef struct {
	u64 val;
} pte_t;
typedef struct {
	u64 val;
} pmd_t;
typedef struct {
	u64 val;
} pud_t;
typedef struct {
	u64 val;
} pgd_t;
typedef struct {
	u64 val;
} pgprot_t;

#define _PAGE_PRESENT  BIT(0)
#define _PAGE_RW       BIT(1)
#define _PAGE_USER     BIT(2)
#define _PAGE_PWT      BIT(3)
#define _PAGE_PCD      BIT(4)
#define _PAGE_ACCESSED BIT(5)
#define _PAGE_DIRTY    BIT(6)
#define _PAGE_PSE      BIT(7)
#define _PAGE_GLOBAL   BIT(8)
#define _PAGE_PROTNONE BIT(8) /* meaning only when _PAGE_PRESENT is clear */
#define _PAGE_SPECIAL \
	BIT(9) /* software: no struct page behind it, or one that is not counted (zero page) */
#define _PAGE_SOFT1 BIT(10)
#define _PAGE_SOFT2 BIT(11)
#define _PAGE_NX    BIT(63)

#define PTE_PFN_MASK 0x000ffffffffff000UL

/* What pte_modify() keeps: the frame, what the CPU recorded, and the software bits. */
#define _PAGE_CHG_MASK \
	(PTE_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL | _PAGE_SOFT1 | _PAGE_SOFT2)

#define __pte(x)      ((pte_t){(x)})
#define __pmd(x)      ((pmd_t){(x)})
#define __pud(x)      ((pud_t){(x)})
#define __pgd(x)      ((pgd_t){(x)})
#define __pgprot(x)   ((pgprot_t){(x)})
#define pte_val(x)    ((x).val)
#define pmd_val(x)    ((x).val)
#define pud_val(x)    ((x).val)
#define pgd_val(x)    ((x).val)
#define pgprot_val(x) ((x).val)

/* Write-combining is PAT entry 1 (PWT alone), see cpu.c; uncached is entry 3. */
#define _PAGE_KERNEL \
	(_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL | _PAGE_NX)
#define PAGE_KERNEL	 __pgprot(_PAGE_KERNEL)
#define PAGE_KERNEL_RO	 __pgprot(_PAGE_KERNEL & ~(_PAGE_RW | _PAGE_DIRTY))
#define PAGE_KERNEL_EXEC __pgprot(_PAGE_KERNEL & ~(_PAGE_RW | _PAGE_DIRTY | _PAGE_NX))
#define PAGE_KERNEL_WC	 __pgprot(_PAGE_KERNEL | _PAGE_PWT)
#define PAGE_KERNEL_UC	 __pgprot(_PAGE_KERNEL | _PAGE_PWT | _PAGE_PCD)

#define _PAGE_TABLE_KERNEL (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PAGE_TABLE_USER   (_PAGE_TABLE_KERNEL | _PAGE_USER)

#define _PAGE_USER_BASE	   (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_NONE	   __pgprot(_PAGE_PROTNONE | _PAGE_ACCESSED | _PAGE_NX)
#define PAGE_READONLY	   __pgprot(_PAGE_USER_BASE | _PAGE_NX)
#define PAGE_READONLY_EXEC __pgprot(_PAGE_USER_BASE)
#define PAGE_SHARED	   __pgprot(_PAGE_USER_BASE | _PAGE_RW | _PAGE_NX)
#define PAGE_SHARED_EXEC   __pgprot(_PAGE_USER_BASE | _PAGE_RW)

/*
 * Protection of a VMA's pages by the low four vm_flags: READ 1, WRITE 2, EXEC 4, SHARED 8. Private
 * writable memory starts read-only: the first write is a copy-on-write fault, and the fault handler
 * then adds write permission with pte_mkwrite(). x86 cannot express "write only" or "execute only"
 * without keys.
 */
static inline pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
	u64 prot;

	if (!(vm_flags & 7))
		return PAGE_NONE;
	prot = _PAGE_USER_BASE;
	if (!(vm_flags & 4))
		prot |= _PAGE_NX;
	if ((vm_flags & 10) == 10)
		prot |= _PAGE_RW;
	return __pgprot(prot);
}

/* ---- last level ---- */

static inline bool pte_none(pte_t pte)
{
	return !pte.val;
}
/* True also for a PROT_NONE page: the PTE maps a frame. */
static inline bool pte_present(pte_t pte)
{
	return pte.val & (_PAGE_PRESENT | _PAGE_PROTNONE);
}
static inline bool pte_protnone(pte_t pte)
{
	return (pte.val & (_PAGE_PRESENT | _PAGE_PROTNONE)) == _PAGE_PROTNONE;
}
static inline bool pte_write(pte_t pte)
{
	return pte.val & _PAGE_RW;
}
static inline bool pte_dirty(pte_t pte)
{
	return pte.val & _PAGE_DIRTY;
}
static inline bool pte_young(pte_t pte)
{
	return pte.val & _PAGE_ACCESSED;
}
static inline bool pte_exec(pte_t pte)
{
	return !(pte.val & _PAGE_NX);
}
static inline bool pte_user(pte_t pte)
{
	return pte.val & _PAGE_USER;
}
static inline bool pte_special(pte_t pte)
{
	return pte.val & _PAGE_SPECIAL;
}
static inline bool pte_same(pte_t a, pte_t b)
{
	return a.val == b.val;
}
static inline unsigned long pte_pfn(pte_t pte)
{
	return (pte.val & PTE_PFN_MASK) >> PAGE_SHIFT;
}
static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return __pte(((u64)pfn << PAGE_SHIFT) | prot.val);
}
/* These two need mm/page.h where they are used. */
#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), (prot))
#define pte_page(pte)	   pfn_to_page(pte_pfn(pte))

static inline pte_t pte_mkwrite(pte_t pte)
{
	return __pte(pte.val | _PAGE_RW);
}
static inline pte_t pte_wrprotect(pte_t pte)
{
	return __pte(pte.val & ~_PAGE_RW);
}
static inline pte_t pte_mkdirty(pte_t pte)
{
	return __pte(pte.val | _PAGE_DIRTY);
}
static inline pte_t pte_mkclean(pte_t pte)
{
	return __pte(pte.val & ~_PAGE_DIRTY);
}
static inline pte_t pte_mkyoung(pte_t pte)
{
	return __pte(pte.val | _PAGE_ACCESSED);
}
static inline pte_t pte_mkold(pte_t pte)
{
	return __pte(pte.val & ~_PAGE_ACCESSED);
}
static inline pte_t pte_mkexec(pte_t pte)
{
	return __pte(pte.val & ~_PAGE_NX);
}
static inline pte_t pte_mknoexec(pte_t pte)
{
	return __pte(pte.val | _PAGE_NX);
}
static inline pte_t pte_mkspecial(pte_t pte)
{
	return __pte(pte.val | _PAGE_SPECIAL);
}
/* The same page under another protection; A, D and the software bits stay. */
static inline pte_t pte_modify(pte_t pte, pgprot_t newprot)
{
	return __pte((pte.val & _PAGE_CHG_MASK) | (newprot.val & ~(u64)_PAGE_CHG_MASK));
}

static inline pte_t ptep_get(const pte_t *ptep)
{
	return __pte(READ_ONCE(ptep->val));
}
/* Debug kernels write down who changes a PTE (mm/changes.c). */
#ifdef CONFIG_DEBUG
void pte_changed(const pte_t *ptep, u64 old, u64 new);
#else
static inline void pte_changed(const pte_t *ptep, u64 old, u64 new)
{
}
#endif

/* Plain store: the old entry must not be present, or nobody else may be using the table. */
static inline void set_pte(pte_t *ptep, pte_t pte)
{
	pte_changed(ptep, ptep->val, pte.val);
	WRITE_ONCE(ptep->val, pte.val);
}
static inline void pte_clear(pte_t *ptep)
{
	pte_changed(ptep, ptep->val, 0);
	WRITE_ONCE(ptep->val, 0);
}
static inline pte_t ptep_xchg(pte_t *ptep, pte_t pte)
{
	pte_t old = __pte(__atomic_exchange_n(&ptep->val, pte.val, __ATOMIC_SEQ_CST));

	pte_changed(ptep, old.val, pte.val);
	return old;
}
static inline pte_t ptep_get_and_clear(pte_t *ptep)
{
	return ptep_xchg(ptep, __pte(0));
}
/* Stores @new if *@ptep is still @old. Returns true when it was. */
static inline bool ptep_cmpxchg(pte_t *ptep, pte_t old, pte_t new)
{
	bool stored = __atomic_compare_exchange_n(&ptep->val, &old.val, new.val, false,
						  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);

	if (stored)
		pte_changed(ptep, old.val, new.val);
	return stored;
}
static inline void ptep_set_wrprotect(pte_t *ptep)
{
	u64 old = __atomic_fetch_and(&ptep->val, ~_PAGE_RW, __ATOMIC_SEQ_CST);

	pte_changed(ptep, old, old & ~_PAGE_RW);
}
static inline bool ptep_test_and_clear_young(pte_t *ptep)
{
	return __atomic_fetch_and(&ptep->val, ~_PAGE_ACCESSED, __ATOMIC_SEQ_CST) & _PAGE_ACCESSED;
}

/* ---- middle level: a table of PTEs, or a leaf that maps 2 MiB ---- */

static inline bool pmd_none(pmd_t pmd)
{
	return !pmd.val;
}
static inline bool pmd_present(pmd_t pmd)
{
	return pmd.val & (_PAGE_PRESENT | _PAGE_PROTNONE);
}
static inline bool pmd_leaf(pmd_t pmd)
{
	return pmd_present(pmd) && (pmd.val & _PAGE_PSE);
}
static inline bool pmd_table(pmd_t pmd)
{
	return (pmd.val & (_PAGE_PRESENT | _PAGE_PSE)) == _PAGE_PRESENT;
}
static inline bool pmd_write(pmd_t pmd)
{
	return pmd.val & _PAGE_RW;
}
static inline bool pmd_dirty(pmd_t pmd)
{
	return pmd.val & _PAGE_DIRTY;
}
static inline bool pmd_young(pmd_t pmd)
{
	return pmd.val & _PAGE_ACCESSED;
}
static inline bool pmd_same(pmd_t a, pmd_t b)
{
	return a.val == b.val;
}
static inline unsigned long pmd_pfn(pmd_t pmd)
{
	return (pmd.val & PTE_PFN_MASK) >> PAGE_SHIFT;
}
static inline pmd_t pfn_pmd(unsigned long pfn, pgprot_t prot)
{
	return __pmd(((u64)pfn << PAGE_SHIFT) | prot.val);
}
static inline pmd_t pmd_mkhuge(pmd_t pmd)
{
	return __pmd(pmd.val | _PAGE_PSE);
}
static inline pmd_t pmd_mkwrite(pmd_t pmd)
{
	return __pmd(pmd.val | _PAGE_RW);
}
static inline pmd_t pmd_wrprotect(pmd_t pmd)
{
	return __pmd(pmd.val & ~_PAGE_RW);
}
static inline pmd_t pmd_mkdirty(pmd_t pmd)
{
	return __pmd(pmd.val | _PAGE_DIRTY);
}
static inline pmd_t pmd_mkclean(pmd_t pmd)
{
	return __pmd(pmd.val & ~_PAGE_DIRTY);
}
static inline pmd_t pmd_mkyoung(pmd_t pmd)
{
	return __pmd(pmd.val | _PAGE_ACCESSED);
}
static inline pmd_t pmd_mkold(pmd_t pmd)
{
	return __pmd(pmd.val & ~_PAGE_ACCESSED);
}
static inline pmd_t pmd_modify(pmd_t pmd, pgprot_t newprot)
{
	u64 keep = _PAGE_CHG_MASK | _PAGE_PSE;

	return __pmd((pmd.val & keep) | (newprot.val & ~keep));
}
static inline pmd_t pmdp_get(const pmd_t *pmdp)
{
	return __pmd(READ_ONCE(pmdp->val));
}
static inline void set_pmd(pmd_t *pmdp, pmd_t pmd)
{
	WRITE_ONCE(pmdp->val, pmd.val);
}
static inline void pmd_clear(pmd_t *pmdp)
{
	WRITE_ONCE(pmdp->val, 0);
}
static inline pmd_t pmdp_xchg(pmd_t *pmdp, pmd_t pmd)
{
	return __pmd(__atomic_exchange_n(&pmdp->val, pmd.val, __ATOMIC_SEQ_CST));
}
static inline pmd_t pmdp_get_and_clear(pmd_t *pmdp)
{
	return pmdp_xchg(pmdp, __pmd(0));
}
static inline bool pmdp_cmpxchg(pmd_t *pmdp, pmd_t old, pmd_t new)
{
	return __atomic_compare_exchange_n(&pmdp->val, &old.val, new.val, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}
static inline void pmdp_set_wrprotect(pmd_t *pmdp)
{
	__atomic_fetch_and(&pmdp->val, ~_PAGE_RW, __ATOMIC_SEQ_CST);
}
static inline bool pmdp_test_and_clear_young(pmd_t *pmdp)
{
	return __atomic_fetch_and(&pmdp->val, ~_PAGE_ACCESSED, __ATOMIC_SEQ_CST) & _PAGE_ACCESSED;
}

/* ---- upper levels: only tables in user space; the kernel's direct map has 1 GiB leaves ---- */

static inline bool pud_none(pud_t pud)
{
	return !pud.val;
}
static inline bool pud_present(pud_t pud)
{
	return pud.val & _PAGE_PRESENT;
}
static inline bool pud_leaf(pud_t pud)
{
	return (pud.val & (_PAGE_PRESENT | _PAGE_PSE)) == (_PAGE_PRESENT | _PAGE_PSE);
}
static inline bool pud_table(pud_t pud)
{
	return (pud.val & (_PAGE_PRESENT | _PAGE_PSE)) == _PAGE_PRESENT;
}
static inline unsigned long pud_pfn(pud_t pud)
{
	return (pud.val & PTE_PFN_MASK) >> PAGE_SHIFT;
}
static inline pud_t pudp_get(const pud_t *pudp)
{
	return __pud(READ_ONCE(pudp->val));
}
static inline void set_pud(pud_t *pudp, pud_t pud)
{
	WRITE_ONCE(pudp->val, pud.val);
}
static inline void pud_clear(pud_t *pudp)
{
	WRITE_ONCE(pudp->val, 0);
}
static inline bool pgd_none(pgd_t pgd)
{
	return !pgd.val;
}
static inline bool pgd_present(pgd_t pgd)
{
	return pgd.val & _PAGE_PRESENT;
}
static inline unsigned long pgd_pfn(pgd_t pgd)
{
	return (pgd.val & PTE_PFN_MASK) >> PAGE_SHIFT;
}
static inline pgd_t pgdp_get(const pgd_t *pgdp)
{
	return __pgd(READ_ONCE(pgdp->val));
}
static inline void set_pgd(pgd_t *pgdp, pgd_t pgd)
{
	WRITE_ONCE(pgdp->val, pgd.val);
}
static inline void pgd_clear(pgd_t *pgdp)
{
	WRITE_ONCE(pgdp->val, 0);
}

/* ---- walking ---- */

#define pte_index(addr) (((addr) >> PAGE_SHIFT) & (PTRS_PER_TABLE - 1))
#define pmd_index(addr) (((addr) >> PMD_SHIFT) & (PTRS_PER_TABLE - 1))
#define pud_index(addr) (((addr) >> PUD_SHIFT) & (PTRS_PER_TABLE - 1))
#define pgd_index(addr) (((addr) >> PGDIR_SHIFT) & (PTRS_PER_TABLE - 1))

/* The end of the part of [addr, end) that one entry of the level covers. */
#define __level_addr_end(addr, end, size)                               \
	({                                                              \
		unsigned long __next = ((addr) + (size)) & ~((size)-1); \
		__next - 1 < (end)-1 ? __next : (end);                  \
	})
#define pgd_addr_end(addr, end) __level_addr_end(addr, end, PGDIR_SIZE)
#define pud_addr_end(addr, end) __level_addr_end(addr, end, PUD_SIZE)
#define pmd_addr_end(addr, end) __level_addr_end(addr, end, PMD_SIZE)

/* The entry for @addr in the top table @pgd. */
static inline pgd_t *pgd_offset(pgd_t *pgd, unsigned long addr)
{
	return pgd + pgd_index(addr);
}
/*
 * The entry for @addr in the table that an entry of the level above points to; that entry must be a
 * table.
 */
static inline pud_t *pud_offset(pgd_t *pgd, unsigned long addr)
{
	return (pud_t *)__va(pgdp_get(pgd).val & PTE_PFN_MASK) + pud_index(addr);
}
static inline pmd_t *pmd_offset(pud_t *pud, unsigned long addr)
{
	return (pmd_t *)__va(pudp_get(pud).val & PTE_PFN_MASK) + pmd_index(addr);
}
static inline pte_t *pte_offset(pmd_t *pmd, unsigned long addr)
{
	return (pte_t *)__va(pmdp_get(pmd).val & PTE_PFN_MASK) + pte_index(addr);
}

/*
 * Hang a zeroed table page under an entry of a user page table. The stores inside the table come
 * first.
 */
#define pmd_populate(pmdp, page) \
	smp_store_release(&(pmdp)->val, ((u64)page_to_pfn(page) << PAGE_SHIFT) | _PAGE_TABLE_USER)
#define pud_populate(pudp, page) \
	smp_store_release(&(pudp)->val, ((u64)page_to_pfn(page) << PAGE_SHIFT) | _PAGE_TABLE_USER)
#define pgd_populate(pgdp, page) \
	smp_store_release(&(pgdp)->val, ((u64)page_to_pfn(page) << PAGE_SHIFT) | _PAGE_TABLE_USER)
#define pmd_page(pmd) pfn_to_page(pmd_pfn(pmd))
#define pud_page(pud) pfn_to_page(pud_pfn(pud))
#define pgd_page(pgd) pfn_to_page(pgd_pfn(pgd))

/* ---- typed entries: what a PTE holds when its page is elsewhere ---- */

typedef struct {
	u64 val; /* type << SWP_OFFSET_BITS | offset */
} swp_entry_t;

#define SWP_TYPE_BITS	5
#define SWP_OFFSET_BITS 50
#define SWP_OFFSET_MASK ((1UL << SWP_OFFSET_BITS) - 1)

#define _PTE_SWP_EXCLUSIVE    BIT(1)
#define _PTE_SWP_TYPE_SHIFT   2
#define _PTE_SWP_OFFSET_SHIFT 9

#define SWP_TYPE_GUARD			  26
#define SWP_TYPE_LOST			  27
#define SWP_TYPE_MIGRATION_READ		  28
#define SWP_TYPE_MIGRATION_WRITE	  29
#define SWP_TYPE_MIGRATION_READ_EXCLUSIVE 30
#define SWP_TYPE_HWPOISON		  31

static inline swp_entry_t swp_entry(unsigned int type, unsigned long offset)
{
	return (swp_entry_t){((u64)type << SWP_OFFSET_BITS) | (offset & SWP_OFFSET_MASK)};
}
static inline unsigned int swp_type(swp_entry_t entry)
{
	return entry.val >> SWP_OFFSET_BITS;
}
static inline unsigned long swp_offset(swp_entry_t entry)
{
	return entry.val & SWP_OFFSET_MASK;
}
static inline bool is_swap_pte(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte);
}
static inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	return __pte(((u64)swp_type(entry) << _PTE_SWP_TYPE_SHIFT) |
		     ((swp_offset(entry) ^ SWP_OFFSET_MASK) << _PTE_SWP_OFFSET_SHIFT));
}
static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	u64 offset = ((pte.val >> _PTE_SWP_OFFSET_SHIFT) & SWP_OFFSET_MASK) ^ SWP_OFFSET_MASK;
	u64 type = (pte.val >> _PTE_SWP_TYPE_SHIFT) & ((1UL << SWP_TYPE_BITS) - 1);

	return swp_entry(type, offset);
}
static inline pte_t pte_swp_mkexclusive(pte_t pte)
{
	return __pte(pte.val | _PTE_SWP_EXCLUSIVE);
}
static inline bool pte_swp_exclusive(pte_t pte)
{
	return pte.val & _PTE_SWP_EXCLUSIVE;
}
static inline pte_t pte_swp_clear_exclusive(pte_t pte)
{
	return __pte(pte.val & ~_PTE_SWP_EXCLUSIVE);
}

/* ---- the kernel's own tables (kmap.c) ---- */

/*
 * The reference page table: its upper half is shared by every address space and its top level never
 * changes.
 */
extern pgd_t swapper_pg_dir[PTRS_PER_TABLE];

/* Enter the kernel's half into a new, zeroed top-level table; the lower half is not touched. */
void pgd_init_kernel_half(pgd_t *pgd);

#endif
