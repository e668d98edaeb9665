package recording

// idleConnections to one host are kept: those of two files, each with four chunks under way and four that are asked for
// ahead.
const idleConnections = 16
