package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/sdk/connector"
)

// A disk that fills up while the shop is read is no failure of the shop.
func TestOnBlamesNoSystemForOurState(t *testing.T) {
	var blamed *Error
	full := fmt.Errorf("record 1: %w", &store.Error{Code: store.CodeDiskFull, Message: "the disk is full"})
	if err := on("orders", End{Name: "shop"}, full); errors.As(err, &blamed) || store.CodeOf(err) != store.CodeDiskFull {
		t.Errorf("got %v (%T)", err, err)
	}
	if err := on("orders", End{Name: "shop"}, &connector.Error{Cause: connector.CauseUnavailable}); !errors.As(err, &blamed) || blamed.Connection != "shop" {
		t.Errorf("the shop is down: got %v", err)
	}
}
