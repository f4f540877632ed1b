package main

import (
	_ "embed"

	"github.com/spf13/cobra"
)

// jsonFields are the fields of lesson.Event, as its comments have them.
//
//go:generate go test -run TestJSONTopic -update
//go:embed jsontopic.txt
var jsonFields string

// jsonTopic returns fd3 help json: the contract of --json.
func jsonTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "json",
		Short: "The fields of --json",
		Long: `With --json fd3 writes one event a line. A field that says nothing is left out.
Fields are only ever added; those that are there keep their meaning.

` + jsonFields + `
Example:
  fd3 socket --json | jq -r 'select(.kind == "return") | .strace'`,
	}
}
