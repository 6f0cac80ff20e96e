/* SPDX-License-Identifier: MIT */
/*
 * What the CPU can do, and switching it on.
 *
 * The boot CPU is asked once (cpu_detect()); the others are assumed to be its equals, as on every
 * PC. Each CPU then sets the same control registers in cpu_setup():
 *
 *   CR0.WP     the kernel, too, respects read-only pages: its stores break copy-on-write
 *   CR4.SMEP   the kernel cannot execute user pages
 *   CR4.SMAP   nor touch them, outside of stac ... clac
 *   CR4.UMIP   user programs cannot read the addresses of the GDT and IDT
 *   CR4.PGE    kernel mappings survive a switch of address space
 *   CR4.PCIDE  user mappings do, too
 *   CR4.FSGSBASE  rdgsbase and wrgsbase, for both
 *   EFER.NXE   pages can be non-executable                EFER.SCE  SYSCALL and SYSRET
 *
 * Reserved bits are left alone: a CPU answers a wrong bit with #GP, and an emulator perhaps not at
 * all.
 */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/mce.h"
#include "arch/x86_64/ptrace_regs.h"
#include "lib/printf.h"
#include "lib/string.h"

struct cpu_features cpu_features;

struct smap_site {
	s32 offset; /* of the three bytes, from this field */
	s32 is_stac;
};
extern const struct smap_site __smap_sites_start[], __smap_sites_end[];

void syscall_entry(void);

static void detect_identity(struct cpu_features *f)
{
	u32 a, b, c, d, leaf;

	cpuid(0, 0, &f->max_leaf, &b, &c, &d);
	memcpy(f->vendor, &b, 4);
	memcpy(f->vendor + 4, &d, 4);
	memcpy(f->vendor + 8, &c, 4);
	cpuid(1, 0, &a, &b, &f->feature_1c, &f->feature_1d);
	f->stepping = a & 15;
	f->model = (a >> 4 & 15) | (a >> 12 & 0xf0);
	f->family = (a >> 8 & 15) + (((a >> 8 & 15) == 15) ? a >> 20 & 0xff : 0);
	cpuid(0x80000000, 0, &f->max_ext_leaf, &b, &c, &d);
	cpuid(0x80000001, 0, &a, &b, &f->feature_81c, &f->feature_81d);
	for (leaf = 0; f->max_ext_leaf >= 0x80000004 && leaf < 3; leaf++) {
		cpuid(0x80000002 + leaf, 0, &a, &b, &c, &d);
		memcpy(f->model_name + leaf * 16, &a, 4);
		memcpy(f->model_name + leaf * 16 + 4, &b, 4);
		memcpy(f->model_name + leaf * 16 + 8, &c, 4);
		memcpy(f->model_name + leaf * 16 + 12, &d, 4);
	}
	f->phys_bits = 36;
	f->virt_bits = 48;
	if (f->max_ext_leaf >= 0x80000008) {
		cpuid(0x80000008, 0, &a, &b, &c, &d);
		f->phys_bits = a & 0xff;
		f->virt_bits = a >> 8 & 0xff;
	}
}

static void detect_features(struct cpu_features *f)
{
	u32 a, d;

	if (f->max_leaf >= 7)
		cpuid(7, 0, &a, &f->feature_7b, &f->feature_7c, &d);
	f->pse1g = f->feature_81d & BIT(26);
	f->pge = f->feature_1d & BIT(13);
	f->mce = f->feature_1d & BIT(7);
	f->mca = f->feature_1d & BIT(14);
	f->pat = f->feature_1d & BIT(16);
	f->pcid = (f->feature_1c & BIT(17)) && f->pge;
	f->x2apic = f->feature_1c & BIT(21);
	f->tsc_deadline = f->feature_1c & BIT(24);
	f->xsave = (f->feature_1c & BIT(26)) && f->max_leaf >= 0xd;
	f->avx = f->xsave && (f->feature_1c & BIT(28));
	f->rdrand = f->feature_1c & BIT(30);
	f->hypervisor = f->feature_1c & BIT(31);
	f->fsgsbase = f->feature_7b & BIT(0);
	f->smep = f->feature_7b & BIT(7);
	f->rdseed = f->feature_7b & BIT(18);
	f->smap = f->feature_7b & BIT(20);
	f->umip = f->feature_7c & BIT(2);
}

/* The image is still writable: paging_init() comes later. */
static void patch_smap_sites(void)
{
	static const u8 stac[3] = {0x0f, 0x01, 0xcb}, clac[3] = {0x0f, 0x01, 0xca};
	const struct smap_site *site;

	for (site = __smap_sites_start; site < __smap_sites_end; site++)
		memcpy((char *)(uintptr_t)&site->offset + site->offset, site->is_stac ? stac : clac,
		       3);
}

void cpu_detect(void)
{
	detect_identity(&cpu_features);
	detect_features(&cpu_features);
	if (cpu_features.smap)
		patch_smap_sites();
}

static void setup_control_registers(void)
{
	const struct cpu_features *f = &cpu_features;
	unsigned long cr4 = read_cr4() & (CR4_PSE | CR4_PAE | CR4_LA57);

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP | CR0_AM);
	cr4 |= CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (f->mce)
		cr4 |= CR4_MCE;
	if (f->pge)
		cr4 |= CR4_PGE;
	if (f->smep)
		cr4 |= CR4_SMEP;
	if (f->smap)
		cr4 |= CR4_SMAP;
	if (f->umip)
		cr4 |= CR4_UMIP;
	if (f->fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	if (f->pcid)
		write_cr4(cr4 | CR4_PCIDE);
}

static void setup_syscall(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	wrmsr(MSR_STAR, (u64)KERNEL_CS << 32 | (u64)(USER_CS - 16) << 48);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_SYSCALL_MASK, X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_IOPL |
					X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC |
					X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF |
					X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
}

/*
 * The page attribute table maps the three bits PAT, PCD, PWT of an entry to a memory type. As at
 * reset (WB, WT, UC-, UC, twice), but entry 1 is write-combining: framebuffers want it, and nobody
 * wants write-through.
 */
static void setup_pat(void)
{
	if (cpu_features.pat)
		wrmsr(MSR_PAT, 0x0007040600070106UL);
}

void cpu_setup(void)
{
	setup_control_registers();
	setup_syscall();
	setup_pat();
	fpu_cpu_setup();
	mce_cpu_setup();
}

static const struct {
	u8 word, bit;
	const char *name;
} flag_names[] = {
	{0, 0, "fpu"},	    {0, 4, "tsc"},	 {0, 5, "msr"},
	{0, 6, "pae"},	    {0, 8, "cx8"},	 {0, 9, "apic"},
	{0, 11, "sep"},	    {0, 13, "pge"},	 {0, 15, "cmov"},
	{0, 16, "pat"},	    {0, 19, "clflush"},	 {0, 23, "mmx"},
	{0, 24, "fxsr"},    {0, 25, "sse"},	 {0, 26, "sse2"},
	{0, 28, "ht"},	    {4, 11, "syscall"},	 {4, 20, "nx"},
	{4, 26, "pdpe1gb"}, {4, 27, "rdtscp"},	 {4, 29, "lm"},
	{1, 0, "pni"},	    {1, 1, "pclmulqdq"}, {1, 9, "ssse3"},
	{1, 12, "fma"},	    {1, 13, "cx16"},	 {1, 17, "pcid"},
	{1, 19, "sse4_1"},  {1, 20, "sse4_2"},	 {1, 21, "x2apic"},
	{1, 22, "movbe"},   {1, 23, "popcnt"},	 {1, 24, "tsc_deadline_timer"},
	{1, 25, "aes"},	    {1, 26, "xsave"},	 {1, 28, "avx"},
	{1, 29, "f16c"},    {1, 30, "rdrand"},	 {1, 31, "hypervisor"},
	{5, 0, "lahf_lm"},  {5, 5, "abm"},	 {2, 0, "fsgsbase"},
	{2, 3, "bmi1"},	    {2, 5, "avx2"},	 {2, 7, "smep"},
	{2, 8, "bmi2"},	    {2, 9, "erms"},	 {2, 10, "invpcid"},
	{2, 16, "avx512f"}, {2, 18, "rdseed"},	 {2, 19, "adx"},
	{2, 20, "smap"},    {2, 29, "sha_ni"},	 {3, 2, "umip"},
};

int cpu_flags_string(char *buf, size_t size)
{
	const struct cpu_features *f = &cpu_features;
	const u32 words[] = {f->feature_1d, f->feature_1c,  f->feature_7b,
			     f->feature_7c, f->feature_81d, f->feature_81c};
	size_t length = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (words[flag_names[i].word] >> flag_names[i].bit & 1)
			length += scnprintf(buf + length, size - length, "%s%s", length ? " " : "",
					    flag_names[i].name);
	return (int)length;
}
