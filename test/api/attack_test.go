package api_test

import (
	"testing"

	"tradeops.dev/strategy-operator/test/attack"
)

// TestAttacks carries out what must be refused, with the roles and policies that are shipped.
func TestAttacks(t *testing.T) { attack.Run(t, attack.Server{Admin: admin, As: bare}) }
