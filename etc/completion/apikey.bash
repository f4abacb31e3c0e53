# shellcheck shell=bash disable=SC2154
# What completes a command line of apikey(8), by the tables that the build puts before this (cli/completion.c).
#
# Nothing here asks a question, waits for longer than two seconds or needs root; what can't be known is not offered.
# It needs no bash-completion, and takes words as bash cuts them: at = and : too.

# _apikey_offer WORD…: those that go on from $cur, and were not taken.
_apikey_offer() {
	local word
	for word in "$@"; do
		[[ $word != "$cur"* || $taken == *" $word "* ]] || COMPREPLY+=("$word")
	done
}

# _apikey_names: keys, which the name service lists unless `enumerate` is off; no other source of users is asked.
# More than can be shown are none: a letter more helps.
_apikey_names() {
	[[ $cur =~ ^[a-z0-9_-]*$ ]] || return 0
	command timeout 2 getent -s apikey passwd </dev/null 2>/dev/null | command awk -F: -v begin="$cur" '
		substr($1, 1, length(begin)) == begin && $1 ~ /^[a-z_][a-z0-9_-]*$/ { if (n++ < 1000) found[n] = $1 }
		END { for (i = 1; n <= 1000 && i <= n; i++) print found[i] }'
}

# _apikey_declared SECTION: the plain names that a section of the policy declares, a line each.
_apikey_declared() {
	command awk -v section="$1:" '
		on && /^[^ #]/ { exit }
		on && match($0, /^ +/) && (!deep || RLENGTH == deep) && /^ +[A-Za-z0-9_.-]+:/ {
			deep = RLENGTH
			sub(/^ +/, "")
			sub(/:.*/, "")
			print
		}
		$1 == section && /^[a-z]/ { on = 1 }' /etc/apikey/policy.yaml 2>/dev/null
}

# _apikey_value KIND: what may stand where the manual has KIND.
_apikey_value() {
	local list=()
	case $1 in
	FILE | PATH) compopt -o default 2>/dev/null ;;
	'NAME|ID') mapfile -t list < <(_apikey_names) ;;
	BINDING | ROLE) mapfile -t list < <(_apikey_declared roles) ;;
	GROUP) mapfile -t list < <(_apikey_declared groups) ;;
	ACCOUNT) mapfile -t list < <(command cut -d: -f1 /etc/passwd 2>/dev/null) ;;
	SERVICE)
		list=(/etc/pam.d/*)
		list=("${list[@]##*/}")
		;;
	VERB) read -ra list <<<"$_apikey_first" ;;
	WORD)
		local seconds
		_apikey_second "${words[1]}"
		read -ra list <<<"$seconds"
		;;
	*'|'*) IFS='|' read -ra list <<<"$1" ;;
	esac
	_apikey_offer "${list[@]}"
}

# _apikey_option WORD: the row of the option that WORD is, or begins, into $row.
_apikey_option() {
	local name
	for row in "${rows[@]}"; do
		name=${row%%[+,=]*}
		[[ $row != *,$1 && $row != *,$1=* && $name != "$1" ]] || return 0
	done
	for row in "${rows[@]}"; do
		[[ $1 != --?* || $row != "$1"* ]] || return 0
	done
	row=''
}

# _apikey_note WORD: an option before the cursor: it is $given, and with a value still to come that is $wanted.
_apikey_note() {
	local letter rest=${1#-}
	if [[ $1 == --* ]]; then
		_apikey_option "${1%%=*}"
		given+=" ${row%%[+,=]*} "
		[[ $1 == *=* || $row != *=* ]] || wanted=${row#*=}
		return
	fi
	while [[ -n $rest ]]; do
		letter=${rest:0:1} rest=${rest:1}
		_apikey_option "-$letter"
		given+=" ${row%%[+,=]*} "
		if [[ $row == *=* ]]; then
			[[ -n $rest ]] || wanted=${row#*=}
			return
		fi
	done
}

# _apikey_join: $words and $cur as they were typed.
_apikey_join() {
	local i glue=''
	words=()
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if [[ ${#words[@]} -gt 0 && (-n $glue || ${COMP_WORDS[i]} == [=:]*) ]]; then
			words[${#words[@]} - 1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
		glue=''
		[[ ${COMP_WORDS[i]} != [=:]* ]] || glue=1
	done
	cur=${words[${#words[@]} - 1]}
	unset 'words[${#words[@]}-1]'
}

# _apikey_line: $words before $cur.
_apikey_line() {
	local verb seconds options operands rows=() kinds=() row given='' wanted='' ended='' word n=0 at=1
	if [[ ${#words[@]} -eq 0 ]]; then
		read -ra rows <<<"$_apikey_first --help --version"
		_apikey_offer "${rows[@]}"
		return
	fi
	_apikey_second "${words[0]}"
	verb=${words[0]}
	if [[ ${#words[@]} -eq 1 ]]; then
		read -ra rows <<<"$seconds"
		_apikey_offer "${rows[@]}"
	elif [[ " $seconds " == *" ${words[1]} "* ]]; then
		verb="$verb ${words[1]}" at=2
	fi
	_apikey_verb "$verb" || return 0
	read -ra rows <<<"$options"
	read -ra kinds <<<"$operands"
	operands=''
	for word in "${words[@]:at}"; do
		if [[ -n $wanted ]]; then
			wanted=''
		elif [[ -n $ended || $word != -?* ]]; then
			n=$((n + 1)) operands+=" $word "
		elif [[ $word == -- ]]; then
			ended=1
		else
			_apikey_note "$word"
		fi
	done
	_apikey_here
}

# _apikey_here: $cur itself: a value, an option or an operand.
_apikey_here() {
	local kind=''
	if [[ -n $wanted ]]; then
		_apikey_value "$wanted"
		return
	fi
	if [[ -z $ended && $cur == --*=* ]]; then
		_apikey_option "${cur%%=*}"
		before=${cur%%=*}= cur=${cur#*=}
		[[ $row != *=* ]] || _apikey_value "${row#*=}"
		return
	fi
	if [[ $n -lt ${#kinds[@]} ]]; then
		kind=${kinds[n]}
	elif [[ ${#kinds[@]} -gt 0 && ${kinds[${#kinds[@]} - 1]} == *... ]]; then
		kind=${kinds[${#kinds[@]} - 1]} taken=$operands
	fi
	if [[ -z $ended && ($cur == -* || -z $kind) ]]; then
		for row in "${rows[@]}"; do
			word=${row%%[+,=]*}
			[[ $row == *+* || $given != *" $word "* ]] || continue
			_apikey_offer "$word"
			[[ $row != *,-* ]] || { row=${row#*,} && _apikey_offer "${row%%=*}"; }
		done
	else
		_apikey_value "${kind%...}"
	fi
}

_apikey() {
	local IFS=$' \t\n' cur words before='' taken='' i
	COMPREPLY=()
	_apikey_join
	_apikey_line
	# What stands before the last place where bash cuts is not its to replace.
	[[ $COMP_WORDBREAKS != *=* ]] || before=''
	[[ $COMP_WORDBREAKS != *:* || $cur != *:* ]] || before=${cur%"${cur##*:}"}
	for i in "${!COMPREPLY[@]}"; do
		if [[ $before == *: ]]; then
			COMPREPLY[i]=${COMPREPLY[i]#"$before"}
		else
			COMPREPLY[i]=$before${COMPREPLY[i]}
		fi
	done
}
complete -F _apikey apikey
