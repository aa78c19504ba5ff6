// Command pomost-connector-csv is a connector for a folder of CSV files, started by Pomost. It is an example: it shows how somebody
// outside the project writes, tests and packs a connector.
package main

import (
	"github.com/pomost/pomost/sdk/connector"

	"example.com/pomost-csv/folder"
)

func main() { connector.Main(folder.New(), nil) }
