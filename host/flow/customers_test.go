package flow

import (
	"testing"

	"github.com/pomost/pomost/recipes"
)

func TestCustomersRecipe(t *testing.T) {
	if _, err := LoadRecipe(recipes.FS, "accountview-eaccounting/customers"); err != nil {
		t.Fatal(err)
	}
}
