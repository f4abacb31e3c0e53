#include "samples_pack.h"

#include <string.h>

#include "hash.h"
#include "image_layout.h"

#define SAMPLE_MAGIC UINT32_C(0x53504b41) /* "AKPS" */
#define SAMPLE_VERSION 2U

uint64_t
samples_digest(const struct image *im)
{
	size_t len_b;
	const unsigned char *bytes = image_borrow_bytes(im, &len_b);

	/* Before that: when it was built, and of which files. */
	return hash_sip(0, bytes + IMAGE_HEADER_B, len_b - IMAGE_HEADER_B);
}

int64_t
samples_at_ms(const struct decide_request *req)
{
	return req->when != NULL ? req->when->now_ms : req->now * 1000;
}

static void
pack_text(struct pack *p, const char *s)
{
	pack_u8(p, s != NULL);
	pack_str(p, s);
}

static const char *
unpack_text(struct unpack *u)
{
	bool there = unpack_u8(u) != 0;
	const char *s = unpack_str(u);

	return there ? s : NULL;
}

static void
pack_addr(struct pack *p, const struct net_addr *a)
{
	static const struct net_addr none = {{0}};

	pack_u8(p, a != NULL);
	pack_bytes(p, a == NULL ? &none : a, sizeof(*a));
}

static const struct net_addr *
unpack_addr(struct unpack *u, struct net_addr *room)
{
	bool there = unpack_u8(u) != 0;
	const void *bytes = unpack_bytes(u, sizeof(*room));

	if (bytes != NULL)
		memcpy(room, bytes, sizeof(*room));
	return there && bytes != NULL ? room : NULL;
}

/* Of the key what a decision asks for. */
static void
pack_key(struct pack *p, const struct key_record *k)
{
	pack_str(p, k->name);
	pack_str(p, k->id);
	pack_u32(p, k->uid);
	pack_u8(p, (uint8_t)k->state);
	pack_u64(p, (uint64_t)k->not_before);
	pack_u64(p, (uint64_t)k->expires_at);
	pack_strv(p, k->bindings);
	pack_strv(p, k->groups);
	pack_strv(p, k->from);
	pack_u8(p, (uint8_t)k->n_secrets);
	for (unsigned i = 0; i < k->n_secrets; i++) {
		pack_u32(p, k->secrets[i].number);
		pack_u64(p, (uint64_t)k->secrets[i].not_after);
	}
}

static bool
unpack_key(struct unpack *u, struct key_record *k)
{
	const char *name = unpack_str(u), *id = unpack_str(u);

	*k = KEY_RECORD_INIT;
	k->uid = unpack_u32(u);
	k->state = (enum key_state)unpack_u8(u);
	k->not_before = (int64_t)unpack_u64(u);
	k->expires_at = (int64_t)unpack_u64(u);
	k->bindings = unpack_strv(u);
	k->groups = unpack_strv(u);
	k->from = unpack_strv(u);
	k->n_secrets = unpack_u8(u);
	if (u->bad || k->n_secrets > KEY_SECRETS_MAX ||
	    text_copy(k->name, sizeof(k->name), name) != AK_OK ||
	    text_copy(k->id, sizeof(k->id), id) != AK_OK)
		return false;
	for (unsigned i = 0; i < k->n_secrets; i++) {
		k->secrets[i].number = unpack_u32(u);
		k->secrets[i].not_after = (int64_t)unpack_u64(u);
	}
	return !u->bad;
}

static void
pack_request(struct pack *p, const struct decide_request *req)
{
	const struct settings *settings = image_borrow_settings(req->policy);

	pack_u64(p, (uint64_t)samples_at_ms(req));
	pack_u8(p, req->when != NULL);
	pack_u64(p, samples_digest(req->policy));
	pack_str(p, settings->space);
	pack_u8(p, settings->public_key_logins);
	pack_u8(p, settings->directory.present);
	pack_strv(p, settings->directory.may_grant);
	pack_key(p, req->key);
	pack_strv(p, req->hosts);
	pack_text(p, req->service);
	pack_text(p, req->account);
	pack_u8(p, req->account_is_root);
	pack_strv(p, req->directory_groups);
	pack_strv(p, req->directory_bindings);
	pack_u8(p, req->stale);
	pack_u8(p, req->unknown);
	pack_u8(p, req->directory_key);
	pack_u8(p, req->keys_stale);
	pack_u64(p, (uint64_t)req->contact_at);
	pack_addr(p, policy_address(req->address, req->doubt));
	pack_addr(p, req->origin);
	pack_u64(p, (uint64_t)req->now);
	pack_u8(p, req->time_undefined);
	pack_u8(p, req->lockdown);
	pack_u32(p, req->secret);
	pack_u8(p, req->without_token);
	pack_u8(p, req->favour);
}

static bool
unpack_request(struct unpack *u, struct sample *s)
{
	struct decide_request *req = &s->request;

	s->at_ms = (int64_t)unpack_u64(u);
	s->has_when = unpack_u8(u) != 0;
	s->image = unpack_u64(u);
	s->space = unpack_str(u);
	s->public_key_logins = unpack_u8(u) != 0;
	s->has_directory = unpack_u8(u) != 0;
	s->may_grant = unpack_strv(u);
	if (!unpack_key(u, &s->key))
		return false;
	req->key = &s->key;
	req->hosts = unpack_strv(u);
	req->service = unpack_text(u);
	req->account = unpack_text(u);
	req->account_is_root = unpack_u8(u) != 0;
	req->directory_groups = unpack_strv(u);
	req->directory_bindings = unpack_strv(u);
	req->stale = unpack_u8(u) != 0;
	req->unknown = unpack_u8(u) != 0;
	req->directory_key = unpack_u8(u) != 0;
	req->keys_stale = unpack_u8(u) != 0;
	req->contact_at = (int64_t)unpack_u64(u);
	req->address = unpack_addr(u, &s->address);
	req->origin = unpack_addr(u, &s->origin);
	req->now = (int64_t)unpack_u64(u);
	req->time_undefined = unpack_u8(u) != 0;
	req->lockdown = unpack_u8(u) != 0;
	req->secret = unpack_u32(u);
	req->without_token = unpack_u8(u) != 0;
	req->favour = unpack_u8(u) != 0;
	/* Every login has a service; without one the account would not be asked about. */
	return !u->bad && req->service != NULL;
}

static void
pack_verdict(struct pack *p, const struct image *im, const struct verdict *v)
{
	struct pack roles = PACK_INIT;
	struct image_rule rule = {.id = ""};

	/* A gate may have failed before the policy was asked: nothing of it is said then. */
	if (v->reason == REASON_RULE)
		rule = image_rule(im, IMAGE_DENY_RULES, v->policy.deny);
	else if ((v->reason == REASON_PERMITTED || v->reason == REASON_ROLE) &&
		 v->policy.allow != IMAGE_NONE)
		rule = image_rule(im, IMAGE_ALLOW_RULES, v->policy.allow);
	role_set_for (&v->roles, i) {
		pack_entry(&roles, image_role(im, i).name);
	}
	pack_u8(p, v->reason == REASON_PERMITTED);
	pack_str(p, reason_word(v->reason));
	pack_str(p, v->why);
	pack_str(p, rule.id);
	pack_u32(p, rule.line);
	pack_strv(p, pack_borrow_strv(&roles));
	if (roles.err != AK_OK && p->err == AK_OK)
		p->err = roles.err;
	pack_clear(&roles);
}

static bool
unpack_verdict(struct unpack *u, struct sample *s)
{
	s->permitted = unpack_u8(u) != 0;
	s->reason = unpack_str(u);
	s->why = unpack_str(u);
	s->deny = unpack_str(u);
	s->line = unpack_u32(u);
	s->roles = unpack_strv(u);
	return !u->bad && u->left_b == 0;
}

void
samples_pack(struct pack *p, const struct decide_request *req, const struct verdict *v)
{
	pack_u32(p, SAMPLE_MAGIC);
	pack_u32(p, SAMPLE_VERSION);
	pack_request(p, req);
	pack_verdict(p, req->policy, v);
	if (p->err == AK_OK)
		pack_u32(p, hash_crc32(0, p->bytes, p->len_b));
}

enum ak_err
samples_unpack(struct sample *s, size_t len_b)
{
	struct unpack u = unpack_over(s->bytes, len_b < 4 ? 0 : len_b - 4);
	uint32_t version;

	if (len_b < 12 || le32_load(s->bytes + len_b - 4) != hash_crc32(0, s->bytes, len_b - 4))
		return AK_ERR_CORRUPT;
	if (unpack_u32(&u) != SAMPLE_MAGIC)
		return AK_ERR_CORRUPT;
	if ((version = unpack_u32(&u)) > SAMPLE_VERSION)
		return AK_ERR_NEWER;
	if (version != SAMPLE_VERSION || !unpack_request(&u, s) || !unpack_verdict(&u, s))
		return AK_ERR_CORRUPT;
	return AK_OK;
}
