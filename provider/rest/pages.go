package rest

// Pages reads a list page by page. read returns the page at a cursor, "" for the first page, and the cursor of the next page, "" at the
// end. each is called for every item, until it returns false or an error.
func Pages[T any](read func(cursor string) (list []T, next string, err error), each func(T) (bool, error)) error {
	for cursor := ""; ; {
		list, next, err := read(cursor)
		if err != nil {
			return err
		}
		for _, one := range list {
			if more, err := each(one); err != nil || !more {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
