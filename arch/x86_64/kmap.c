/* SPDX-License-Identifier: MIT */
/*
 * The kernel's page table.
 *
 *   swapper_pg_dir[256..511], shared by every address space:
 *
 *     direct map     every RAM region, in 1 GiB or 2 MiB pages        RW NX global
 *     vmalloc        4 KiB pages, filled by map_kernel_page()
 *     vmemmap        struct page of every RAM region, nothing between the regions
 *     kernel image   text RX | rodata R NX | data, bss RW NX | symbol names R NX, in 4 KiB pages
 *
 * KERNEL-TOP-FIXED: the 256 upper entries of the top level never change after paging_init(), so a
 * copy of them in a new address space stays right for ever. All tables that they point to exist
 * from the start, also the empty ones of the vmalloc area; below the top level everything is shared
 * anyway.
 *
 * Work grows with the number of large pages, not of small ones: a machine with 64 GiB has 64
 * entries to write. Only the array of struct page must be cleared, 1/64 of memory.
 *
 * W-XOR-X: no page of the kernel is both writable and executable. The direct map's alias of the
 * text is not executable.
 */

#include "arch/x86_64/kmap.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/tlb.h"
#include "kernel/drivers/drivers.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/errno.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmalloc.h"

#define MIN_MEMORY (12UL << 20)

pgd_t swapper_pg_dir[PTRS_PER_TABLE] __section(".bss.page_aligned") __aligned(PAGE_SIZE);

/* The upper top-level entries that are in use, a handful. */
static u16 top_entries[PTRS_PER_TABLE / 2];
static unsigned int nr_top_entries;

static bool
	boot_finished; /* table pages come from memblock before, from the page allocator after */

static void *table_alloc(void)
{
	if (!boot_finished)
		return memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	return (void *)get_zeroed_page(GFP_KERNEL);
}

/*
 * The table under an entry, made if there is none. Another CPU may make it at the same time. NULL:
 * no memory.
 */
static void *table_under(u64 *entry)
{
	u64 old = READ_ONCE(*entry);
	void *table;

	if (!old) {
		table = table_alloc();
		if (!table)
			return NULL;
		if (__atomic_compare_exchange_n(entry, &old, __pa(table) | _PAGE_TABLE_KERNEL,
						false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return table;
		free_page((unsigned long)table);
	}
	return __va(old & PTE_PFN_MASK);
}

static pud_t *kernel_pud(unsigned long addr)
{
	pud_t *table = table_under(&swapper_pg_dir[pgd_index(addr)].val);

	return table ? table + pud_index(addr) : NULL;
}

static pmd_t *kernel_pmd(unsigned long addr)
{
	pud_t *pud = kernel_pud(addr);
	pmd_t *table = pud ? table_under(&pud->val) : NULL;

	return table ? table + pmd_index(addr) : NULL;
}

static pte_t *kernel_pte(unsigned long addr)
{
	pmd_t *pmd = kernel_pmd(addr);
	pte_t *table = pmd ? table_under(&pmd->val) : NULL;

	return table ? table + pte_index(addr) : NULL;
}

static void map_direct(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t phys = ALIGN_DOWN(start, PMD_SIZE);

	while (phys < end) {
		unsigned long addr = (unsigned long)__va(phys);
		pud_t *pud = kernel_pud(addr);

		if (pud_leaf(pudp_get(pud))) {
			phys = ALIGN_DOWN(phys, PUD_SIZE) + PUD_SIZE;
		} else if (cpu_features.pse1g && pud_none(pudp_get(pud)) &&
			   IS_ALIGNED(phys, PUD_SIZE) && end - phys >= PUD_SIZE) {
			set_pud(pud, __pud(phys | _PAGE_KERNEL | _PAGE_PSE));
			phys += PUD_SIZE;
		} else {
			set_pmd(kernel_pmd(addr), __pmd(phys | _PAGE_KERNEL | _PAGE_PSE));
			phys += PMD_SIZE;
		}
	}
}

/* Back [addr, end) of the vmemmap, page-aligned and empty, with zeroed memory in small pages. */
static void vmemmap_small_pages(unsigned long addr, unsigned long end)
{
	phys_addr_t phys;

	if (addr >= end)
		return;
	phys = __pa(memblock_alloc(end - addr, PAGE_SIZE));
	for (; addr < end; addr += PAGE_SIZE, phys += PAGE_SIZE)
		set_pte(kernel_pte(addr), __pte(phys | _PAGE_KERNEL));
}

/*
 * The struct pages of the frames [start, end). The page allocator's memory is in blocks of
 * PAGES_PER_BLOCK frames, and it looks at all frames of a block, so whole blocks get their struct
 * pages. @done is where the region before ended.
 */
static unsigned long map_vmemmap(unsigned long start_pfn, unsigned long end_pfn, unsigned long done)
{
	unsigned long addr = (unsigned long)(pfn_to_page(ALIGN_DOWN(start_pfn, PAGES_PER_BLOCK)));
	unsigned long end = (unsigned long)(pfn_to_page(ALIGN(end_pfn, PAGES_PER_BLOCK)));
	unsigned long next;

	addr = max(ALIGN_DOWN(addr, PAGE_SIZE), done);
	end = ALIGN(end, PAGE_SIZE);
	for (; addr < end; addr = next) {
		next = min(ALIGN(addr + 1, PMD_SIZE), end);
		if (IS_ALIGNED(addr, PMD_SIZE) && next - addr == PMD_SIZE)
			set_pmd(kernel_pmd(addr), __pmd(__pa(memblock_alloc(PMD_SIZE, PMD_SIZE)) |
							_PAGE_KERNEL | _PAGE_PSE));
		else
			vmemmap_small_pages(addr, next);
	}
	return max(end, done);
}

static void map_image(const char *start, const char *end, pgprot_t prot)
{
	unsigned long addr = ALIGN_DOWN((unsigned long)start, PAGE_SIZE);

	for (; addr < (unsigned long)end; addr += PAGE_SIZE)
		set_pte(kernel_pte(addr), __pte(__pa(addr) | prot.val));
}

static void map_regions(void)
{
	struct memblock_region *r;
	unsigned long done = VMEMMAP_BASE;

	for_each_mem_region(r) map_direct(r->base, r->base + r->size);
	for_each_mem_region(r) done = map_vmemmap(
		r->base >> PAGE_SHIFT, (r->base + r->size + PAGE_SIZE - 1) >> PAGE_SHIFT, done);
}

static void map_kernel_image(void)
{
	map_image(_stext, _etext, PAGE_KERNEL_EXEC);
	map_image(__rodata_start, __rodata_end, PAGE_KERNEL_RO);
	map_image(__data_start, __bss_end, PAGE_KERNEL);
	map_image(__bss_end, _end, PAGE_KERNEL_RO);
	map_image((char *)idt_table, (char *)idt_table + PAGE_SIZE, PAGE_KERNEL_RO);
	/*
	 * The guard page of the boot stack. The page itself is a boot table, used by its physical
	 * address only.
	 */
	pte_clear(kernel_pte((unsigned long)init_stack - PAGE_SIZE));
}

static void note_top_entries(void)
{
	u16 i;

	for (i = PTRS_PER_TABLE / 2; i < PTRS_PER_TABLE; i++)
		if (pgd_present(swapper_pg_dir[i]))
			top_entries[nr_top_entries++] = i;
}

static void __noreturn too_little_memory(void)
{
	screen_console_emergency();
	panic_user("too little memory: this machine has %llu KiB, Verso needs at least %lu MiB",
		   (unsigned long long)memblock_phys_mem_size() >> 10, MIN_MEMORY >> 20);
}

void paging_init(void)
{
	unsigned long addr;

	BUILD_BUG_ON(KERNEL_BASE != 0xffffffff80000000UL || THREAD_SIZE != 16384);
	if (memblock_phys_mem_size() < MIN_MEMORY)
		too_little_memory();
	map_regions();
	map_kernel_image();
	for (addr = VMALLOC_START; addr < VMALLOC_END; addr += PGDIR_SIZE)
		table_under(&swapper_pg_dir[pgd_index(addr)].val);
	note_top_entries();
	load_kernel_pgd();
	memblock_set_current_limit(0);
	boot_finished = true;
}

void pgd_init_kernel_half(pgd_t *pgd)
{
	unsigned int i;

	for (i = 0; i < nr_top_entries; i++)
		pgd[top_entries[i]] = swapper_pg_dir[top_entries[i]];
}

int map_kernel_page(unsigned long vaddr, phys_addr_t phys, pgprot_t prot)
{
	pte_t *pte = kernel_pte(vaddr);

	if (!pte)
		return -ENOMEM;
	set_pte(pte, __pte((phys & PTE_PFN_MASK) | prot.val));
	return 0;
}

phys_addr_t unmap_kernel_page(unsigned long vaddr)
{
	pgd_t *pgd = pgd_offset(swapper_pg_dir, vaddr);
	pud_t *pud;
	pmd_t *pmd;

	if (!pgd_present(*pgd))
		return 0;
	pud = pud_offset(pgd, vaddr);
	if (!pud_table(pudp_get(pud)))
		return 0;
	pmd = pmd_offset(pud, vaddr);
	if (!pmd_table(pmdp_get(pmd)))
		return 0;
	return ptep_get_and_clear(pte_offset(pmd, vaddr)).val & PTE_PFN_MASK;
}

/* Pages up to the guard page, which is not mapped. */
static void unmap_range(unsigned long start)
{
	unsigned long addr = start;

	while (unmap_kernel_page(addr))
		addr += PAGE_SIZE;
	flush_tlb_kernel_range(start, addr);
	free_vm_range(start);
}

static void __iomem *ioremap_prot(phys_addr_t phys, size_t size, pgprot_t prot)
{
	size_t offset = phys & ~PAGE_MASK, done;
	unsigned long start;

	if (!size || phys + size < phys || (phys + size - 1) >> cpu_features.phys_bits)
		return NULL;
	size = ALIGN(size + offset, PAGE_SIZE);
	start = get_vm_range(size);
	if (!start)
		return NULL;
	for (done = 0; done < size; done += PAGE_SIZE) {
		if (map_kernel_page(start + done, phys - offset + done, prot)) {
			unmap_range(start);
			return NULL;
		}
	}
	return (void __iomem *)(start + offset);
}

void __iomem *ioremap(phys_addr_t phys, size_t size)
{
	return ioremap_prot(phys, size, PAGE_KERNEL_UC);
}

void __iomem *ioremap_wc(phys_addr_t phys, size_t size)
{
	return ioremap_prot(phys, size, cpu_features.pat ? PAGE_KERNEL_WC : PAGE_KERNEL_UC);
}

void iounmap(volatile void __iomem *addr)
{
	if (addr)
		unmap_range((__force unsigned long)addr & PAGE_MASK);
}
