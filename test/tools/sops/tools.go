//go:build tools

// Package tools names the programs that test/tools/build-sops builds, so that go.mod keeps them.
package tools

import (
	_ "filippo.io/age/cmd/age-keygen"
	_ "github.com/getsops/sops/v3/cmd/sops"
)
