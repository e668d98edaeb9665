package after

func alive(int) bool { return false }
