/*
 * The ordered set of VMAs: a list in address order and, over the same objects, an AVL tree in
 * which each node knows the widest hole of its subtree, so that both the VMA at an address and the
 * lowest hole of a size are found in logarithmic time.
 */
#include "vma.h"

struct list_node vma_list = { &vma_list, &vma_list };
static struct vma *root;

struct vma *vma_next(const struct vma *v)
{
	return v->node.next == &vma_list ? NULL : list_entry(v->node.next, struct vma, node);
}

static u64 hole_start(const struct vma *v)
{
	return v->node.prev == &vma_list ? 0 : list_entry(v->node.prev, struct vma, node)->end;
}

static int height(const struct vma *v)
{
	return v ? v->height : 0;
}

/* Recomputes what v knows of its subtree; writes only what changed, since a write costs a clone a page. */
static void summarise(struct vma *v)
{
	int h = 1 + MAX(height(v->left), height(v->right));
	u64 gap = v->start - hole_start(v);

	if (v->left)
		gap = MAX(gap, v->left->gap_max);
	if (v->right)
		gap = MAX(gap, v->right->gap_max);
	if (v->height != h)
		v->height = (u8)h;
	if (v->gap_max != gap)
		v->gap_max = gap;
}

/* Puts by, which may be NULL, where v hangs. */
static void replace_child(struct vma *v, struct vma *by)
{
	struct vma *parent = v->parent;

	if (!parent)
		root = by;
	else if (parent->left == v)
		parent->left = by;
	else
		parent->right = by;
	if (by)
		by->parent = parent;
}

static void set_left(struct vma *v, struct vma *child)
{
	v->left = child;
	if (child)
		child->parent = v;
}

static void set_right(struct vma *v, struct vma *child)
{
	v->right = child;
	if (child)
		child->parent = v;
}

/* Each returns the new top of the subtree. */
static struct vma *rotate_left(struct vma *v)
{
	struct vma *top = v->right;

	replace_child(v, top);
	set_right(v, top->left);
	set_left(top, v);
	summarise(v);
	summarise(top);
	return top;
}

static struct vma *rotate_right(struct vma *v)
{
	struct vma *top = v->left;

	replace_child(v, top);
	set_left(v, top->right);
	set_right(top, v);
	summarise(v);
	summarise(top);
	return top;
}

/* Restores balance and summaries from v up to the root. */
static void repair(struct vma *v)
{
	for (; v; v = v->parent) {
		int lean = height(v->left) - height(v->right);

		summarise(v);
		if (lean > 1) {
			if (height(v->left->left) < height(v->left->right))
				rotate_left(v->left);
			v = rotate_right(v);
		} else if (lean < -1) {
			if (height(v->right->right) < height(v->right->left))
				rotate_right(v->right);
			v = rotate_left(v);
		}
	}
}

void vma_tree_insert(struct vma *v)
{
	struct vma *parent = NULL, *below = NULL, **link = &root;

	while (*link) {
		parent = *link;
		if (v->start < parent->start) {
			link = &parent->left;
		} else {
			below = parent;
			link = &parent->right;
		}
	}
	*link = v;
	v->parent = parent;
	v->left = v->right = NULL;
	list_add(&v->node, below ? &below->node : &vma_list);
	repair(v);
	repair(vma_next(v));
}

void vma_tree_remove(struct vma *v)
{
	struct vma *next = vma_next(v), *from;

	if (v->left && v->right) {
		/* The next in order, leftmost of the right subtree, takes v's place. */
		from = next->parent == v ? next : next->parent;
		if (from != next) {
			set_left(from, next->right);
			set_right(next, v->right);
		}
		set_left(next, v->left);
		replace_child(v, next);
	} else {
		from = v->parent;
		replace_child(v, v->left ? v->left : v->right);
	}
	list_del(&v->node);
	repair(from);
	repair(next);
}

void vma_tree_set_bounds(struct vma *v, u64 start, u64 end)
{
	v->start = start;
	v->end = end;
	repair(v);
	repair(vma_next(v));
}

struct vma *vma_find(u64 addr)
{
	struct vma *found = NULL;

	for (struct vma *v = root; v;) {
		if (v->end > addr) {
			found = v;
			v = v->left;
		} else {
			v = v->right;
		}
	}
	return found;
}

/* Start of a fitting piece of the hole [from, to) cut to [low, high), or 0. */
static u64 fit(u64 from, u64 to, u64 low, u64 high, u64 bytes, u64 align)
{
	from = ALIGN_UP(MAX(from, low), align);
	to = MIN(to, high);
	return from < to && to - from >= bytes ? from : 0;
}

/* The depth of recursion is the height of the tree: under 30 for a million VMAs. */
static u64 hole_in(const struct vma *v, u64 low, u64 high, u64 bytes, u64 align)
{
	u64 found = 0;

	if (!v || v->gap_max < bytes)
		return 0;
	if (v->start > low)
		found = hole_in(v->left, low, high, bytes, align);
	if (!found)
		found = fit(hole_start(v), v->start, low, high, bytes, align);
	if (!found && v->end < high)
		found = hole_in(v->right, low, high, bytes, align);
	return found;
}

u64 vma_tree_hole(u64 low, u64 high, u64 bytes, u64 align)
{
	u64 found = hole_in(root, low, high, bytes, align);
	u64 last = list_empty(&vma_list) ? 0 : list_entry(vma_list.prev, struct vma, node)->end;

	return found ? found : fit(last, high, low, high, bytes, align);
}
