# bash completion for all programs of rs-writeback: their options, out of the
# usage text; accounts, jobs, runs, keys. Source it in ~/.bashrc.

# The options that a usage text names.
_rs_writeback_options() {
	"$1" -h </dev/null 2>/dev/null | grep '^ *-' |
		grep -oE '(^ *|  +|, )--?[[:alnum:]][-[:alnum:]]*' |
		sed 's/^[ ,]*//' | sort -u
}

# What can stand at the cursor, a line each; nothing: a file.
_rs_writeback_words() {	# PROGRAM WORD-BEFORE WORD
	case ${1##*/}:$2 in
	*:-a | *:--account | rs-writeback:--check)
		rs-config -l -l ;;
	*:-j | *:--job | rs-writeback:--config | rs-writeback:--history | \
	    rs-writeback:--stages)
		rs-config -l ;;
	rs-writeback:--resume | rs-job:--resume)
		ls "$(rs-history -d)/runs" ;;
	*)
		case ${1##*/}:$3 in
		*:-*) _rs_writeback_options "$1" ;;
		rs-writeback:* | rs-job:*) rs-config -l ;;
		rs-config:*) rs-config -k ;;
		esac ;;
	esac 2>/dev/null
}

_rs_writeback() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i word quoted
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != -- ]] || return
	done
	# --option=value comes as three words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	while IFS= read -r word; do
		printf -v quoted %q "$word"	# a job's name may have blanks
		if [[ -n $word && $quoted == "$cur"* ]]; then
			COMPREPLY+=("$quoted")
		fi
	done < <(_rs_writeback_words "$1" "$prev" "$cur")
}
complete -o default -F _rs_writeback domo-cat rs-check rs-config rs-history \
	rs-init rs-job rs-load rs-tablename rs-writeback s3-cat s3-stage \
	s3-unstage ssh-fwd
