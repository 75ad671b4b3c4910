# bash completion for rs-writeback: options, jobs, accounts, runs. Source it, or put it in
# /usr/share/bash-completion/completions/rs-writeback.
_rs_writeback() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words
	case $prev in
	--check) words=$(rs-config -l -l 2>/dev/null) ;;
	--jobs) words='1 2 4 8' ;;
	--resume) words=$(ls "$(rs-history -d 2>/dev/null)/runs" 2>/dev/null) ;;
	*)
		case $cur in
		-*) words=$(rs-writeback -h | grep -oE -- '(^| )--?[a-zA-Z][a-z-]*') ;;
		*) words=$(rs-config -l 2>/dev/null) ;;
		esac ;;
	esac
	local IFS=$'\n'
	# Names with blanks are one word each.
	mapfile -t COMPREPLY < <(
		printf '%s\n' "$words" | sed 's/^ *//' | while IFS= read -r w; do
			[[ -z $w || $w != "$cur"* ]] || printf '%q\n' "$w"
		done | sort -u)
}
complete -F _rs_writeback rs-writeback
