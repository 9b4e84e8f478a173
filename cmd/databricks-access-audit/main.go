// Command databricks-access-audit answers, for a whole Databricks account at once, who can access
// what and why. It wires the packages together: flags in, core.Engine, formatters out.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], terminal())) }
