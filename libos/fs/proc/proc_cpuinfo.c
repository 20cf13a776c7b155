/* /proc/cpuinfo: the one virtual CPU, which has the features of the host's. */
#include "procfs.h"

struct regs {
	u32 eax, ebx, ecx, edx;
};

static struct regs cpuid(u32 leaf)
{
	struct regs r;

	__asm__("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
	return r;
}

enum feature_word {
	LEAF_1_EDX,
	LEAF_1_ECX,
	LEAF_7_EBX,
	LEAF_7_ECX,
	LEAF_EXT_ECX,
	LEAF_EXT_EDX,
	FEATURE_WORDS
};

static const struct {
	const char *name;
	u8 word, bit;
} features[] = {
	{ "fpu", LEAF_1_EDX, 0 },        { "tsc", LEAF_1_EDX, 4 },         { "cx8", LEAF_1_EDX, 8 },
	{ "cmov", LEAF_1_EDX, 15 },      { "mmx", LEAF_1_EDX, 23 },        { "fxsr", LEAF_1_EDX, 24 },
	{ "sse", LEAF_1_EDX, 25 },       { "sse2", LEAF_1_EDX, 26 },       { "ht", LEAF_1_EDX, 28 },
	{ "syscall", LEAF_EXT_EDX, 11 }, { "nx", LEAF_EXT_EDX, 20 },       { "rdtscp", LEAF_EXT_EDX, 27 },
	{ "lm", LEAF_EXT_EDX, 29 },      { "pni", LEAF_1_ECX, 0 },         { "pclmulqdq", LEAF_1_ECX, 1 },
	{ "ssse3", LEAF_1_ECX, 9 },      { "fma", LEAF_1_ECX, 12 },        { "cx16", LEAF_1_ECX, 13 },
	{ "sse4_1", LEAF_1_ECX, 19 },    { "sse4_2", LEAF_1_ECX, 20 },     { "movbe", LEAF_1_ECX, 22 },
	{ "popcnt", LEAF_1_ECX, 23 },    { "aes", LEAF_1_ECX, 25 },        { "xsave", LEAF_1_ECX, 26 },
	{ "avx", LEAF_1_ECX, 28 },       { "f16c", LEAF_1_ECX, 29 },       { "rdrand", LEAF_1_ECX, 30 },
	{ "lahf_lm", LEAF_EXT_ECX, 0 },  { "abm", LEAF_EXT_ECX, 5 },       { "fsgsbase", LEAF_7_EBX, 0 },
	{ "bmi1", LEAF_7_EBX, 3 },       { "avx2", LEAF_7_EBX, 5 },        { "bmi2", LEAF_7_EBX, 8 },
	{ "erms", LEAF_7_EBX, 9 },       { "avx512f", LEAF_7_EBX, 16 },    { "avx512dq", LEAF_7_EBX, 17 },
	{ "rdseed", LEAF_7_EBX, 18 },    { "adx", LEAF_7_EBX, 19 },        { "clflushopt", LEAF_7_EBX, 23 },
	{ "avx512cd", LEAF_7_EBX, 28 },  { "sha_ni", LEAF_7_EBX, 29 },     { "avx512bw", LEAF_7_EBX, 30 },
	{ "avx512vl", LEAF_7_EBX, 31 },  { "avx512vbmi", LEAF_7_ECX, 1 },  { "gfni", LEAF_7_ECX, 8 },
	{ "vaes", LEAF_7_ECX, 9 },       { "vpclmulqdq", LEAF_7_ECX, 10 },
};

static void vendor_string(char out[13])
{
	struct regs r = cpuid(0);

	memcpy(out, &r.ebx, 4);
	memcpy(out + 4, &r.edx, 4);
	memcpy(out + 8, &r.ecx, 4);
	out[12] = 0;
}

static const char *model_string(char out[49])
{
	const char *p = out;

	memset(out, 0, 49);
	if (cpuid(0x80000000u).eax < 0x80000004u)
		return "unknown";
	for (u32 k = 0; k < 3; k++) {
		struct regs r = cpuid(0x80000002u + k);

		memcpy(out + 16 * k, &r, sizeof r);
	}
	while (*p == ' ')
		p++;
	return p;
}

static void show_flags(struct proc_text *t)
{
	struct regs one = cpuid(1), seven = cpuid(7), ext = cpuid(0x80000001u);
	u32 words[FEATURE_WORDS] = { one.edx, one.ecx, seven.ebx, seven.ecx, ext.ecx, ext.edx };

	text_printf(t, "flags\t\t:");
	for (u32 k = 0; k < ARRAY_SIZE(features); k++) {
		if (words[features[k].word] >> features[k].bit & 1)
			text_printf(t, " %s", features[k].name);
	}
	text_printf(t, "\n");
}

void show_cpuinfo(struct proc_text *t, int id)
{
	struct regs one = cpuid(1);
	u32 family = one.eax >> 8 & 0xf, model = one.eax >> 4 & 0xf;
	char vendor[13], name[49];

	(void)id;
	if (family == 6 || family == 15)
		model |= one.eax >> 12 & 0xf0;
	if (family == 15)
		family += one.eax >> 20 & 0xff;
	vendor_string(vendor);
	text_printf(t, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", vendor, family,
		    model);
	text_printf(t, "model name\t: %s\nstepping\t: %u\nmicrocode\t: 0x1\n", model_string(name),
		    one.eax & 0xf);
	text_printf(t, "cpu MHz\t\t: 2000.000\ncache size\t: 1024 KB\nphysical id\t: 0\nsiblings\t: 1\n");
	text_printf(t, "core id\t\t: 0\ncpu cores\t: 1\napicid\t\t: 0\nfpu\t\t: yes\nfpu_exception\t: yes\n");
	text_printf(t, "cpuid level\t: %u\nwp\t\t: yes\n", cpuid(0).eax);
	show_flags(t);
	text_printf(t, "bogomips\t: 4000.00\nclflush size\t: 64\ncache_alignment\t: 64\n");
	text_printf(t, "address sizes\t: 46 bits physical, 48 bits virtual\npower management:\n\n");
}
