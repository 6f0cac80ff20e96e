/* SPDX-License-Identifier: MIT */
/*
 * Heapsort (Williams 1964, Floyd 1964): the one comparison sort that needs neither recursion nor
 * memory, and has no bad input.
 *
 * The array is a binary heap: the children of element i are 2i + 1 and 2i + 2, and no child is
 * greater than its parent. First the heap is built from the last parent upwards; then the
 * greatest element, at the root, is swapped to the end again and again.
 */
#include "lib/sort.h"
#include "lib/string.h"

static void swap_elements(char *a, char *b, size_t size)
{
	char tmp[256];

	memcpy(tmp, a, size);
	memcpy(a, b, size);
	memcpy(b, tmp, size);
}

/* Element i may be less than its children: move it down to where it is not. */
static void sift_down(char *base, size_t i, size_t n, size_t size,
		      int (*cmp)(const void *, const void *))
{
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		swap_elements(base + i * size, base + child * size, size);
		i = child;
	}
}

void sort(void *array, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	char *base = array;

	for (size_t i = n / 2; i > 0; i--)
		sift_down(base, i - 1, n, size, cmp);
	for (size_t end = n; end > 1; end--) {
		swap_elements(base, base + (end - 1) * size, size);
		sift_down(base, 0, end - 1, size, cmp);
	}
}
