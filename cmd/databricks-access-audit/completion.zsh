#compdef databricks-access-audit
# zsh completion for databricks-access-audit: source <(databricks-access-audit completion zsh)
_databricks_access_audit() {
  local -a options
  local cur="${words[-1]}"
  if [[ "$cur" == -* ]]; then
    options=("${(@f)$(${words[@]:0:#words[@]-1} ${cur} --generate-bash-completion 2>/dev/null)}")
  else
    options=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  _describe 'values' options
}
compdef _databricks_access_audit databricks-access-audit
