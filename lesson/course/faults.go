package course

var faultsPractice = practice{
	experiments: map[string]experiment{
		"lock":      faultLock,
		"leak":      faultLeak,
		"forgotten": faultForgotten,
		"address":   faultAddress,
		"constant":  faultConstant,
		"empty":     faultEmpty,
		"unchecked": faultUnchecked,
		"root":      faultRoot,
		"padding":   faultPadding,
		"directory": faultDirectory,
		"split":     faultSplit,
		"large":     faultLarge,
		"restart":   faultRestart,
		"idle":      faultIdle,
		"overwrite": faultOverwrite,
	},
	exercises: map[string]exercise{"mend": findLeak},
}
