# What a profile says of a login: of pam_permit's and of ours, into which part each sample falls. Called by profile.sh as
#   awk -v rate=HZ -v n_permit=LOGINS -v n_apikey=LOGINS -f profile.awk PERMIT APIKEY
# Both are what `perf script -F comm,ip,sym,dso` wrote: a line of the program for each sample, its frames from the innermost, and an
# empty line. A sample is of the first part below that one of its frames belongs to, in this order.
BEGIN {
	part("libgcrypt", ">libgcrypt")
	part("ld.so asks the processor", ">(init_cpu_features|intel_check_word|handle_intel|get_common|update_active)")
	part("libraries are found and mapped", ">_dl_map_object")
	part("libraries are bound", ">(_dl_relocate_object|do_lookup_x|check_match|_dl_lookup_symbol_x)")
	part("libraries begin", ">(_dl_init|call_init)")
	part("libraries, all else", ">(_dl_open|dl_open_worker|_dl_close|_dl_main|dl_main|_dl_start)")
	part("when the key was used last", ">lastused_")
	part("the audit log's lines", ">(auditlog_append|ownfile_open)")
	part("lines to syslog", ">(report_|[_a-z]*syslog)")
	part("the session's record", ">(sessions_|write_record|read_record|rundir_|write_temporary|procfile_scope|proc_read|handles_)")
	part("the token, and its prompt", ">(auth_verify|token_|converse_)")
	part("the decisions: grants", ">take_grants")
	part("the decisions: all else", ">(policy_eval|ask_policy)")
	part("the policy, read and checked", ">(live_|image_take|scene_live|scene_drop_live|judge_scene>[_A-Z]*fstatat)")
	part("is the address this host's own", ">(origin_|ownaddr_|hear)")
	part("the name service: whose account", ">(getpwnam|getpwuid|__nss)")
	part("users.idx and local.idx", ">(keyring_|index_)")
	part("the module, all else", ">(pam_sm_|enter|subject_|accounts_|decide_account|decide_login|session_open|session_close)")
	part("the process ends", ">(exit_mmap|do_exit|do_group_exit|__run_exit_handlers|_exit)")
	part("the process begins", ">(load_elf_binary|bprm_execve|do_execve|__x64_sys_execve|kernel_clone|__spawni|ret_from_fork)")
	part("libpam, and what calls it", ">(main|transaction|libpam)")
	part(untold = "callers that perf lost", "")
}

function part(name, frames) { names[++parts] = name; of[parts] = frames }

FNR == 1 { file++ }
/^[ \t]+[0-9a-f]+ / { stack = ">" frame($2, $3) stack; next }
/^$/ { take() }
END {
	if (!samples[1] || !samples[2]) { print "profile: perf wrote no samples" >"/dev/stderr"; exit 1 }
	for (p = 1; p <= parts; p++) {
		us[1, p] = 1e6 * count[1, p] / rate / n_permit
		us[2, p] = 1e6 * count[2, p] / rate / n_apikey
		more[p] = us[2, p] - us[1, p]
		all_more += more[p]
		if (more[p] > 0 && names[p] != untold) costs += more[p]
	}
	printf "%-34s %12s %12s %12s %6s\n", "us of the processor, a login", "pam_permit", "apikey", "more", "share"
	for (p = 1; p <= parts; p++)
		if (count[1, p] + count[2, p] > 0)
			printf "%-34s %12.1f %12.1f %12.1f %6s\n", names[p], us[1, p], us[2, p], more[p], names[p] == untold ? "-" : share(more[p])
	printf "%-34s %12s %12s %12.1f\n", "all", "", "", all_more
}

# Of all parts that cost more than pam_permit's, and can be told.
function share(us) { return us > 0 ? sprintf("%.0f%%", 100 * us / costs) : "-" }

# A function's name; where it has none, or is libgcrypt's, its library's.
function frame(name, library) {
	if (name != "[unknown]" && library !~ /libgcrypt/) return name
	gsub(/^.*\/|[()]/, "", library)
	return library
}

function take(  p) {
	if (stack == "") return
	samples[file]++
	for (p = 1; stack !~ of[p]; p++);
	count[file, p]++
	stack = ""
}
