/* snprintf(3), the part of it that lib/string.h promises. */
#include "string.h"

struct out {
	char *buf;
	size_t size; /* of buf, the NUL included */
	size_t len;  /* what an unlimited buffer would hold */
};

struct spec {
	bool left, zero, alternate;
	int width, precision; /* precision -1: none */
	int bytes;            /* of an integer argument */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_repeated(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len)
{
	int pad = s->width > 0 && len < (size_t)s->width ? s->width - (int)len : 0;

	if (!s->left)
		put_repeated(o, ' ', pad);
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		put_repeated(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, u64 v, unsigned base, const char *prefix)
{
	char digits[24];
	int n = 0, len, zeroes;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	len = n + (int)strlen(prefix);
	zeroes = s->precision > n ? s->precision - n : 0;
	if (s->zero && !s->left && s->precision < 0 && s->width > len)
		zeroes = s->width - len;
	len += zeroes;
	if (!s->left)
		put_repeated(o, ' ', s->width - len);
	while (*prefix)
		put(o, *prefix++);
	put_repeated(o, '0', zeroes);
	while (n)
		put(o, digits[--n]);
	if (s->left)
		put_repeated(o, ' ', s->width - len);
}

static u64 to_unsigned(const struct spec *s, u64 v)
{
	return s->bytes == 8 ? v : v & ((1ull << 8 * s->bytes) - 1);
}

static s64 to_signed(const struct spec *s, u64 v)
{
	int shift = 64 - 8 * s->bytes;

	return (s64)(v << shift) >> shift;
}

static void put_signed(struct out *o, const struct spec *s, s64 v)
{
	put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, 10, v < 0 ? "-" : "");
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	put_padded(o, s, text, s->precision >= 0 ? strnlen(text, (size_t)s->precision) : strlen(text));
}

/* A number, or a star: then an argument, of which a negative one counts as none. */
static const char *parse_count(const char *fmt, int *count, va_list *ap)
{
	if (*fmt == '*') {
		*count = va_arg(*ap, int);
		return fmt + 1;
	}
	for (*count = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
		if (*count < 100000)
			*count = *count * 10 + (*fmt - '0');
	return fmt;
}

/* Flags, width, precision and length; returns where the conversion letter is. */
static const char *parse_spec(struct spec *s, const char *fmt, va_list *ap)
{
	*s = (struct spec){ .precision = -1, .bytes = 4 };
	for (; *fmt == '-' || *fmt == '0' || *fmt == '#'; fmt++) {
		s->left |= *fmt == '-';
		s->zero |= *fmt == '0';
		s->alternate |= *fmt == '#';
	}
	fmt = parse_count(fmt, &s->width, ap);
	if (s->width < 0) {
		s->left = true;
		s->width = s->width == INT32_MIN ? 0 : -s->width;
	}
	if (*fmt == '.')
		fmt = parse_count(fmt + 1, &s->precision, ap);
	if (*fmt == 'l' || *fmt == 'z') {
		s->bytes = 8;
		fmt += fmt[0] == 'l' && fmt[1] == 'l' ? 2 : 1;
	} else if (*fmt == 'h') {
		s->bytes = fmt[1] == 'h' ? 1 : 2;
		fmt += 3 - s->bytes;
	}
	return fmt;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { .buf = buf, .size = size };
	va_list ap;

	va_copy(ap, args); /* a va_list parameter is a pointer, whose address parse_spec could not take */

	for (; *fmt; fmt++) {
		struct spec s;
		const char *start = fmt;
		u64 number;
		char c;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(&s, fmt + 1, &ap);
#define ARGUMENT() (s.bytes == 8 ? va_arg(ap, u64) : (u64)va_arg(ap, u32))
		switch (*fmt) {
		case 'd':
			put_signed(&o, &s, to_signed(&s, ARGUMENT()));
			break;
		case 'u':
			put_number(&o, &s, to_unsigned(&s, ARGUMENT()), 10, "");
			break;
		case 'x':
			number = to_unsigned(&s, ARGUMENT());
			put_number(&o, &s, number, 16, s.alternate && number ? "0x" : "");
			break;
		case 'o':
			put_number(&o, &s, to_unsigned(&s, ARGUMENT()), 8, "");
			break;
#undef ARGUMENT
		case 'p':
			put_number(&o, &s, (u64)va_arg(ap, void *), 16, "0x");
			break;
		case 's':
			put_string(&o, &s, va_arg(ap, const char *));
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			put_padded(&o, &s, &c, 1);
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* not one of ours: shown as it stands, so that it is noticed */
			while (start <= fmt && *start)
				put(&o, *start++);
			if (!*fmt)
				fmt--;
		}
	}
	va_end(ap);
	if (size)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
