package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// A program under test creates a room over HTTP; a person joins it.
func Example() {
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	server := httptest.NewServer(world.Handler())
	defer server.Close()

	request, err := http.NewRequest("POST", server.URL+"/daily/v1/rooms", strings.NewReader(`{"name":"standup"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+sandbox.DailyKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = response.Body.Close()
	fmt.Println(response.Status)

	if _, err := world.Join(provider.Daily, "standup", sandbox.Person{Name: "Ada"}); err != nil {
		fmt.Println(err)
		return
	}
	room, _ := world.Room(provider.Daily, "standup")
	for _, person := range room.People {
		fmt.Println(person.Name)
	}
	// Output:
	// 200 OK
	// Ada
}
