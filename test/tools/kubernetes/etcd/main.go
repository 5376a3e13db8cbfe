// Command etcd is the store under the API server, of the version that Kubernetes itself builds with.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
