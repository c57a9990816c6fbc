package alerts

// RuleNames are all rules that may end a pass.
func RuleNames() (names []string) {
	for _, rule := range rules {
		names = append(names, rule.Name)
	}
	return names
}
