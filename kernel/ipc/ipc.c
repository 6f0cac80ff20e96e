/* SPDX-License-Identifier: MIT */
/*
 * The table of System V objects.
 *
 *	id = sequence number of the place << 15 | place
 *
 * The table grows by doubling up to its setting; places are given out from the lowest. A place's
 * sequence number grows each time its object goes.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/cred.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define PLACE_BITS    15
#define MAX_PLACES    (1u << PLACE_BITS)
#define FIRST_PLACES  16
#define SEQUENCE_MASK 0x7fff

static int grow(struct ipc_table *table)
{
	unsigned int size = table->size ? table->size * 2 : FIRST_PLACES;
	struct ipc_object **slots;
	u16 *sequences;

	if (size > MAX_PLACES)
		return -ENOSPC;
	slots = kzalloc(size * sizeof(*slots), GFP_KERNEL);
	sequences = kzalloc(size * sizeof(*sequences), GFP_KERNEL);
	if (!slots || !sequences) {
		kfree(slots);
		kfree(sequences);
		return -ENOMEM;
	}
	if (table->size) {
		memcpy(slots, table->slots, table->size * sizeof(*slots));
		memcpy(sequences, table->sequences, table->size * sizeof(*sequences));
	}
	kfree(table->slots);
	kfree(table->sequences);
	table->slots = slots;
	table->sequences = sequences;
	table->size = size;
	return 0;
}

int ipc_add(struct ipc_table *table, struct ipc_object *object, s32 key, u32 mode)
{
	unsigned int place = 0;
	int err;

	if ((int)table->used >= READ_ONCE(table->max))
		return -ENOSPC;
	while (place < table->size && table->slots[place])
		place++;
	if (place == table->size) {
		err = grow(table);
		if (err)
			return err;
	}
	object->id = table->sequences[place] << PLACE_BITS | (int)place;
	object->key = key;
	object->mode = mode & 0777;
	object->uid = object->cuid = current_euid();
	object->gid = object->cgid = current_cred()->egid;
	table->slots[place] = object;
	table->used++;
	return 0;
}

void ipc_remove(struct ipc_table *table, struct ipc_object *object)
{
	unsigned int place = (unsigned int)object->id & (MAX_PLACES - 1);

	table->slots[place] = NULL;
	table->sequences[place] = (table->sequences[place] + 1) & SEQUENCE_MASK;
	table->used--;
}

struct ipc_object *ipc_find_index(struct ipc_table *table, int index)
{
	if (index < 0 || (unsigned int)index >= table->size || !table->slots[index])
		return ERR_PTR(-EINVAL);
	return table->slots[index];
}

struct ipc_object *ipc_find(struct ipc_table *table, int id)
{
	struct ipc_object *object;

	if (id < 0)
		return ERR_PTR(-EINVAL);
	object = ipc_find_index(table, id & (int)(MAX_PLACES - 1));
	return IS_ERR(object) || object->id == id ? object : ERR_PTR(-EIDRM);
}

struct ipc_object *ipc_find_key(struct ipc_table *table, s32 key)
{
	for (unsigned int place = 0; place < table->size; place++) {
		struct ipc_object *object = table->slots[place];

		if (object && object->key == key)
			return object;
	}
	return NULL;
}

int ipc_last_index(const struct ipc_table *table)
{
	unsigned int place = table->size;

	while (place && !table->slots[place - 1])
		place--;
	return place ? (int)place - 1 : 0;
}

int ipc_access(const struct ipc_object *object, u32 wanted)
{
	u32 euid = current_euid(), granted = object->mode;

	wanted |= wanted >> 3 | wanted >> 6;
	if (euid == object->cuid || euid == object->uid)
		granted >>= 6;
	else if (in_group_p(object->cgid) || in_group_p(object->gid))
		granted >>= 3;
	return wanted & ~granted & 7 && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_may_change(const struct ipc_object *object)
{
	u32 euid = current_euid();

	return euid == object->cuid || euid == object->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

int ipc_set_owner(struct ipc_object *object, const struct ipc64_perm *perm)
{
	if (perm->uid == (u32)-1 || perm->gid == (u32)-1) /* no ids, anywhere */
		return -EINVAL;
	object->uid = perm->uid;
	object->gid = perm->gid;
	object->mode = (object->mode & ~0777u) | (perm->mode & 0777);
	return 0;
}

void ipc_fill_perm(struct ipc64_perm *perm, const struct ipc_object *object)
{
	*perm = (struct ipc64_perm){
		.key = object->key,
		.uid = object->uid,
		.gid = object->gid,
		.cuid = object->cuid,
		.cgid = object->cgid,
		.mode = object->mode,
		.seq = (u16)(object->id >> PLACE_BITS),
	};
}

s64 ipc_now(void)
{
	return (s64)(ktime_get_real_ns() / NSEC_PER_SEC);
}
