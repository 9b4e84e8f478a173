# fish completion for databricks-access-audit: databricks-access-audit completion fish | source
complete -c databricks-access-audit -f -a '(set -l words (commandline -opc); set -l cur (commandline -ct); if string match -q -- "-*" $cur; set words $words $cur; end; $words --generate-bash-completion 2>/dev/null)'
