/* model_impl: what the rooms of the model share: entries as nodes, and the names, numbers and DNs that connect them as atoms. */
#ifndef AK_MODEL_IMPL_H
#define AK_MODEL_IMPL_H

#include "diag.h"
#include "index_make.h"
#include "model.h"
#include "pack.h"

/* A hash table of what begins with a slot. Growing is optional, so that entering never fails. */
struct slot {
	struct slot *next;
	uint32_t hash;
};

struct table {
	struct slot **heads; /* NULL: all are in `only` */
	struct slot *only;
	size_t mask, n;
};

/* The chain that the hash is in. */
struct slot **table_head(struct table *t, uint32_t hash);
void table_enter(struct table *t, struct slot *s);
void table_leave(struct table *t, const struct slot *s);
/* Calls take for each; take may free what it is given. */
void table_each(const struct table *t, void (*take)(void *ctx, struct slot *s), void *ctx);
void table_clear(struct table *t); /* the heads alone */

/* Bytes with several holders: a value, most within a record as index files hold it, so that writing one is copying. */
struct blob {
	uint32_t refs, len_b;
	uint16_t value_at;
	uint8_t n_keys;
	unsigned char bytes[];
};

/* Both NULL: p failed, or out of memory. */
struct blob *blob_new(const struct pack *p);
struct blob *blob_record(const struct pack *p, unsigned order, uint32_t number,
    const struct index_key *keys, uint8_t n_keys);
struct index_view blob_view(const struct blob *b);
struct blob *blob_share(struct blob *b);
void blob_drop(struct blob **b);
bool blob_equal(const struct blob *a, const struct blob *b);

enum atom_kind {
	ATOM_DN = 1, /* owners: entries there; listed_by: groups with a member there */
	ATOM_NAME, /* owners: keys of LDAP; listed_by: groups with a member of that name */
	ATOM_ID, /* owners: keys of LDAP */
	ATOM_UID, /* the same; as decimal digits */
	ATOM_PRINCIPAL, /* owners: principals of that name, in lower case */
};

struct atom {
	struct slot slot;
	uint8_t kind;
	bool touched; /* in the list of those that the settle looks at */
	bool below; /* the keys at this DN, or of this name, are in other groups than before */
	bool local; /* a local key's name, id or uid */
	uint32_t local_uid; /* NAME */
	uint64_t mark;
	struct link *owners, *listed_by;
	struct atom *next_touched, *next_below;
	struct known *known; /* NAME: the key that it is the name of, here */
	struct past *past; /* UID */
	char text[];
};

/* An entry names an atom. The first link of every node is its DN; then a key's name, id, uid; a group's members; a principal's names. */
struct link {
	struct atom *atom;
	struct node *node;
	struct link *next, **at; /* in the atom's list; what points here */
};

enum { LINK_DN, LINK_NAME, LINK_ID, LINK_UID, LINK_KEY_COUNT };

/* An entry. bytes NULL: it is gone, and the next settle lets go of the node. */
struct node {
	struct slot slot;
	struct blob *bytes; /* record of directory_entry_pack */
	/* Key: record of key_record_pack; group: membership_pack of its names and bindings. NULL: makes no sense. */
	struct blob *derived;
	struct link *links;
	size_t n_links;
	struct node *next, **at; /* among those of the search; what points here */
	struct node *next_changed, *next_judge, *next_below, *next_up;
	struct past *past; /* uids that it was served with */
	struct past *next_past; /* room for one more */
	uint64_t mark;
	uint32_t uid, told; /* told: hash of the last sentence about it; 0: none */
	unsigned char uuid[DIRECTORY_UUID_B];
	uint8_t search;
	bool changed, judge, below; /* in these lists */
	bool served; /* key */
	bool absent; /* staged: gone by the end of the refresh */
};

/* A uid that a directory key was served with: no other key id gets it while the entry is there. */
struct past {
	struct past *next; /* of the same node */
	struct node *node;
	struct atom *uid;
	char id[KEY_ID_LEN + 1];
};

/* A key that is known here, local or served. Its identity never changes: another one takes its place. */
struct known {
	struct atom *name;
	uint32_t uid;
	bool dead; /* no longer known; it may still be in the orders */
	bool pending; /* to be put into the orders, or taken out */
	struct known *next_pending;
	struct blob *record; /* of key_record_pack; NULL: local */
	struct blob *membership; /* record of membership_pack */
};

struct order {
	struct known **v;
	size_t n;
};

struct refresh {
	bool open;
	struct table named; /* nodes; bytes NULL and not absent: present */
};

struct cookie {
	unsigned char *bytes;
	size_t len_b;
};

/* What the host brought last time. */
struct locals {
	char *names, *ids;
	size_t names_len_b, ids_len_b, n;
	uint32_t *uids;
	struct atom **atoms;
	size_t n_atoms;
};

#define SEARCHES (DIRECTORY_PRINCIPALS + 1)

struct model {
	uint64_t seed, mark;
	struct table nodes[SEARCHES], atoms;
	/* The nodes as they came, and so near each other in memory too. */
	struct node *first[SEARCHES], **end[SEARCHES];
	size_t count[SEARCHES];
	struct refresh refresh[SEARCHES];
	struct cookie cookie[SEARCHES];
	bool lacks[SEARCHES]; /* see model_lacks */
	struct pack scratch;
	/* What the next settle has to look at. */
	struct node *changed, *judge;
	struct atom *touched, **touched_end;
	struct node *below, **below_end;
	struct atom *below_atoms, **below_atoms_end;
	struct known *pending;
	bool keys_differ, groups_differ;
	uint32_t *uids;
	size_t n_uids, cap_uids;
	bool answered; /* they were the last settle's answer */
	/* What the last one was made with. */
	struct locals locals;
	struct id_range range;
	bool nested;
	uint64_t taken_version;
	struct order by_name, by_uid; /* by_uid: the served ones alone */
};

/* model_atoms.c */
/* NULL: out of memory. A new one is touched, and so goes again when nobody links it. */
struct atom *atom_intern(struct model *m, enum atom_kind kind, const char *text);
struct atom *atom_find(struct model *m, enum atom_kind kind, const char *text);
void atom_touch(struct model *m, struct atom *a);
void atom_touch_below(struct model *m, struct atom *a);
void node_judge(struct model *m, struct node *n);
void node_below(struct model *m, struct node *n);
void link_enter(struct link *l, bool lists);
void link_leave(struct link *l);
/* The lists of the settle are through: let go of them, and of what nothing holds any more. */
void model_tidy(struct model *m);

/* model_past.c */
/* Is this uid another key id's? Of an entry that is gone nothing is known. */
bool past_forbids(const struct atom *uid, const char *id);
/* Room for the uid that the node is about to be served with. */
enum ak_err past_reserve(struct node *n) AK_MUST_CHECK;
/* It is served: the uid is this key's from now on. */
void past_take(struct node *n);
/* Those who may have waited for this entry's end. */
void past_touch(struct model *m, const struct node *n);
/* m NULL: the atoms are about to go too. */
void past_drop(struct model *m, struct node *n);

/* model_entries.c */
void node_free(struct node *n);
void node_leave(struct model *m, struct node *n);
enum ak_err node_entry(const struct node *n, struct directory_entry *out) AK_MUST_CHECK;

/* model_links.c: entries that changed, as links; what that touches. */
enum ak_err model_relink(struct model *m, const struct model_host *host) AK_MUST_CHECK;
/* Tell a sentence unless it was the last one told of the node; NULL: all is well. */
void node_tell(struct model *m, struct node *n, const struct model_host *host, const char *why);

/* model_host.c: what of the host differs. */
void locals_free(struct locals *l);
enum ak_err model_see_host(struct model *m, const struct model_host *host) AK_MUST_CHECK;

/* model_keys.c: which keys are served. */
enum ak_err model_judge(struct model *m, const struct model_host *host) AK_MUST_CHECK;

/* model_members.c: whose groups are others now, and which. */
void model_go_below(struct model *m);
enum ak_err model_update_memberships(struct model *m) AK_MUST_CHECK;

/* model_known.c: who is known, in two orders. */
enum ak_err model_note_uid(struct model *m, uint32_t uid) AK_MUST_CHECK;
enum ak_err model_update_known(struct model *m) AK_MUST_CHECK;
enum ak_err model_reorder(struct model *m) AK_MUST_CHECK;
void known_free(struct known *k);

#endif
