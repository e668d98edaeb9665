package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type roomAdoptOptions struct {
	*program
	account, name string
}

func (p *program) roomAdopt() *cobra.Command {
	o := &roomAdoptOptions{program: p}
	cmd := &cobra.Command{
		Use: "adopt [PLATFORM_ROOM]", Short: "List the platforms' rooms, or adopt one",
		Args: atMostOne("PLATFORM_ROOM"), RunE: p.do(o.run),
		Long: "Without an argument, list the rooms on the platforms. With a PLATFORM_ROOM, adopt it: it becomes a meeting in the " +
			"room --name, or in a room with the same name. Nothing changes on the platform. Rooms seen in webhooks are adopted automatically.",
		Example: "greenroom room adopt\ngreenroom room adopt clinic --account acme --name 'Dr. Müller'",
	}
	cmd.Flags().StringVar(&o.account, "account", "", "account that the room is on")
	cmd.Flags().StringVar(&o.name, "name", "", "name of the room in Greenroom; an existing room gets the meeting")
	return p.jsonFlag(cmd, "print a JSON array of the platforms' rooms, or the room as an object")
}

func (o *roomAdoptOptions) run(ctx context.Context, args []string) error {
	if len(args) == 0 && o.name != "" {
		return usagef("--name needs a PLATFORM_ROOM to adopt")
	}
	return o.with(ctx, func(b app.Backend) error {
		if len(args) == 0 {
			return o.list(ctx, b)
		}
		account, err := o.accountWith(ctx, b, args[0])
		if err != nil {
			return err
		}
		r, err := b.AdoptRoom(ctx, app.Adoption{Account: account, PlatformRoom: args[0], Name: o.name})
		if err != nil {
			return err
		}
		state := ""
		if r.Meeting != nil {
			state = fmt.Sprintf(", %s", r.Meeting.Status)
		}
		return o.result(r, "%s on %s is the room %s here%s. Its guest link: greenroom meeting link %[3]s", args[0], account, plain.Word(r.Name), state)
	})
}

func (o *roomAdoptOptions) list(ctx context.Context, b app.Backend) error {
	rooms, err := b.PlatformRooms(ctx, app.PlatformRoomQuery{Account: o.account})
	if err != nil {
		return err
	}
	for _, account := range cutAccounts(rooms) {
		o.words(plain.Text(fmt.Sprintf("These are the first %[2]d rooms of %[1]s; there may be more. To adopt another one by name: "+
			"greenroom room adopt PLATFORM_ROOM --account %[3]s", account, app.PlatformRoomsMost, plain.Word(account))))
	}
	if o.json {
		return o.printJSON(list(rooms))
	}
	if len(rooms) == 0 {
		o.words("The platforms have no rooms.")
		return nil
	}
	t, strange := newTable("PLATFORM ROOM", "ACCOUNT", "ENDS", "ROOM HERE"), false
	for _, r := range rooms {
		ends := o.clock(r.EndsAt)
		if ends == "" {
			ends = "never"
		}
		t.add(r.PlatformRoom, r.Account, ends, r.Room)
		strange = strange || !r.Known
	}
	if err := o.printTable(t); err != nil {
		return err
	}
	if strange {
		o.words("Adopt one: greenroom room adopt PLATFORM_ROOM")
	}
	return nil
}

// cutAccounts returns the accounts whose rooms are not all listed.
func cutAccounts(rooms []app.PlatformRoom) (accounts []string) {
	n := map[string]int{}
	for _, r := range rooms {
		if n[r.Account]++; n[r.Account] == app.PlatformRoomsMost {
			accounts = append(accounts, r.Account)
		}
	}
	return accounts
}

// accountWith returns --account, or else the account that has the room.
func (o *roomAdoptOptions) accountWith(ctx context.Context, b app.Backend, room string) (string, error) {
	if o.account != "" {
		return o.account, nil
	}
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return "", err
	}
	if len(s.Accounts) == 1 {
		return s.Accounts[0].Name, nil
	}
	rooms, err := b.PlatformRooms(ctx, app.PlatformRoomQuery{})
	if err != nil {
		return "", err
	}
	var accounts []string
	for _, r := range rooms {
		if r.PlatformRoom == room || r.PlatformID == room {
			accounts = append(accounts, r.Account)
		}
	}
	switch len(accounts) {
	case 0:
		if more := cutAccounts(rooms); len(more) > 0 {
			return "", usagef("%s is not among the listed rooms, but %s has more: choose the account with --account", room, enumerate(more))
		}
		return "", &app.Error{
			Kind: provider.NotFound, Text: fmt.Sprintf("there is no room %q on the platforms", room), Hint: "see `greenroom room adopt`",
		}
	case 1:
		return accounts[0], nil
	}
	return "", usagef("%s exists on %s: choose one with --account", room, enumerate(accounts))
}
