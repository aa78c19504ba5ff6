// Command guest is a module whose functions behave, or do not, for the tests of the host.
package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pomost/pomost/sdk/function"
)

type text struct{ Text string }

type all struct {
	Text    function.Maybe[string]
	Integer function.Maybe[int64]
	Decimal function.Maybe[function.Decimal]
	Bool    function.Maybe[bool]
	Date    function.Maybe[function.Date]
}

func init() {
	function.Module("guest", "1.2.3")
	function.Register("upper", "Makes capitals.", func(in text) (text, error) {
		switch in.Text {
		case "fail":
			return text{}, errors.New("no \x1b[31mcapitals\x1b[0m today")
		case "panic":
			panic("at the disco")
		case "nil":
			var p *text
			return *p, nil
		case "bad":
			return text{"\xff"}, nil
		}
		return text{strings.ToUpper(in.Text)}, nil
	}, function.Case(text{"a"}, text{"A"}), function.Example[text, text]{In: text{"fail"}, Err: "no \x1b[31mcapitals\x1b[0m today"})
	function.Register("same", "Gives what it takes.", func(in all) (all, error) { return in, nil },
		function.Case(all{}, all{}),
		function.Case(all{function.Some("x"), function.Some[int64](-1), function.Some[function.Decimal]("1.50"), function.Some(true), function.Some(function.Date{Year: 2024, Month: 2, Day: 29})},
			all{function.Some("x"), function.Some[int64](-1), function.Some[function.Decimal]("1.5"), function.Some(true), function.Some(function.Date{Year: 2024, Month: 2, Day: 29})}),
		function.Case(all{Text: function.Empty[string]()}, all{Text: function.Empty[string]()}))
	function.Register("hostile", "Does what the text says.", hostile, function.Case(text{"-"}, text{"-"}))
	function.Register("liar", "Its example is wrong.", func(in text) (text, error) { return in, nil }, function.Case(text{"a"}, text{"b"}))
}

var hoard [][]byte

var count int

//go:noinline
func recurse(n int) int { return recurse(n+1) + 1 }

func hostile(in text) (text, error) {
	switch in.Text {
	case "hang":
		for {
		}
	case "grow":
		for {
			hoard = append(hoard, make([]byte, 1<<20))
		}
	case "exit":
		os.Exit(3)
	case "recurse":
		return text{strconv.Itoa(recurse(0))}, nil
	case "huge":
		return text{strings.Repeat("x", 17<<20)}, nil
	case "sleep":
		time.Sleep(time.Hour)
		return text{time.Now().UTC().Format(time.DateOnly)}, nil
	case "look":
		_, err := os.ReadDir("/")
		return text{strconv.Itoa(len(os.Args)) + " " + strconv.Itoa(len(os.Environ())) + " " + strconv.FormatBool(err != nil)}, nil
	case "random":
		return text{strconv.Itoa(rand.IntN(1 << 30))}, nil
	case "count":
		count++
		return text{strconv.Itoa(count)}, nil
	case "stderr":
		for range 1000 {
			os.Stderr.WriteString(strings.Repeat("noise ", 100) + "\n")
		}
	}
	return in, nil
}

func main() {}
