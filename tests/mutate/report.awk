# What became of the mutants: awk -F '\t' -f report.awk files.txt equivalent.txt list.tsv verdicts.tsv
#
# An entry of equivalent.txt is `FILE FUNCTION: TEXT OF THE LINE', then, each after a tab, its mutations, and last
# `because …', the reason why no test can tell.

{ part = FILENAME == ARGV[1] ? 0 : FILENAME == ARGV[2] ? 1 : FILENAME == ARGV[3] ? 2 : 3 }

part == 0 {
	sub(/ .*/, "")
	known[$0] = 1
	files[++n_files] = $0
	next
}

part == 1 && /^[^#\t]/ { at = $0; arguing = 0; next }
part == 1 && /^\tbecause / { arguing = 1 }
part == 1 && /^\t/ && !arguing {
	entry[++n_entries] = at SUBSEP $2
	is_entry[at, $2] = n_entries
	next
}
part == 1 { next }

part == 2 {
	if ($3 in known) {
		mutant[$1] = $0
		numbers[++n_mutants] = $1
	}
	next
}

{ verdict[$1] = $2 }

function place_of(fields) { return fields[3] " " fields[5] ": " fields[7] }

function count(file, what) {
	total[file, what]++
	all[what]++
}

END {
	for (i = 1; i <= n_mutants; i++) {
		split(mutant[numbers[i]], f, "\t")
		v = verdict[numbers[i]]
		if (v == "uncompiled")
			continue
		count(f[3], "mutants")
		key = place_of(f) SUBSEP f[6]
		if (v == "caught" || v == "hung") {
			count(f[3], v)
			if (v == "hung")
				printf "hung: %s:%s: %s: %s  [%s]\n", f[3], f[4], f[5], f[7], f[6]
			continue
		}
		if (key in is_entry) {
			needed[key] = 1
			count(f[3], "equivalent")
			continue
		}
		count(f[3], "survived")
		printf "survived: %s:%s: %s: %s  [%s]%s\n", f[3], f[4], f[5], f[7], f[6], \
			v == "survived" ? "" : v == "unreached" ? " no test comes past it" : " it was not tried"
	}
	for (i = 1; i <= n_entries; i++) {
		split(entry[i], e, SUBSEP)
		file = e[1]
		sub(/ .*/, "", file)
		if ((file in known) && !(entry[i] in needed)) {
			printf "not needed any more in equivalent.txt: %s  [%s]\n", e[1], e[2]
			stale++
		}
	}
	for (i = 1; i <= n_files; i++)
		printf "%-28s %5d mutants %5d caught %3d hung %3d equivalent %3d survived\n", files[i], total[files[i], "mutants"], \
			total[files[i], "caught"], total[files[i], "hung"], total[files[i], "equivalent"], total[files[i], "survived"]
	printf "%d mutants, %d caught, %d hung, %d equivalent, %d survived\n", all["mutants"], all["caught"], all["hung"], \
		all["equivalent"], all["survived"]
	exit all["survived"] > 0 || stale > 0 || !all["mutants"]
}
