package tunnel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"

	"greenroom/tunnel"
	"greenroom/tunnel/manual"
)

// A driver makes a listener public. The manual one knows its public URL and leaves the rest to a proxy of the user's.
func Example() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := net.ResolveTCPAddr("tcp", u.Host)
	if err != nil {
		fmt.Println(err)
		return
	}

	driver := manual.New(manual.Options{URL: "https://hooks.example/"})
	t, err := driver.Open(context.Background(), tunnel.Local{Addr: addr})
	if err != nil {
		fmt.Println(err)
		return
	}
	status := <-t.Status()
	fmt.Println(driver.Name(), driver.StoresAndForwards())
	fmt.Println(status.URL)
	fmt.Println(t.Close())
	// Output:
	// manual false
	// https://hooks.example
	// <nil>
}
