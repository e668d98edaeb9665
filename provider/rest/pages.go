package rest

// Pages calls read with the cursor of each page of a list, "" for the first one. read returns the cursor of the next page, "" to stop. It
// isn't generic, which would add 10 kB to the program.
func Pages(read func(cursor string) (next string, err error)) error {
	for cursor := ""; ; {
		next, err := read(cursor)
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
}
