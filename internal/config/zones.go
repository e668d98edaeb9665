package config

// The database of time zones is part of the program: a configuration with a time zone must work on machines that have none,
// such as Windows and small containers.
import _ "time/tzdata"
