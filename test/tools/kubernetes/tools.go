//go:build tools

// Names the programs that are built as they are, so that go.mod keeps them.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
