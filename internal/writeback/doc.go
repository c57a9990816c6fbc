// Package writeback commits the edits of a rollback to the file in a Git repository that the configuration comes from, and later their inverse. The
// edits that an incident proposes it pushes to a branch of their own, once, and looks what people make of it.
//
//	fetch the branch -> is it there already? -> edit the file as the configuration is edited -> commit -> push, if the branch did not move
//
// Whether, when and how often is decided elsewhere. Each call starts from what the repository holds then, so a call whose answer was lost is
// simply made again: it finds its own commit and makes no other.
//
// The trade-off taken: of go-git only what reads and writes Git's formats is used. Its own clients look up transports in a table of the
// whole process, read files of the user's home and know no policy for addresses; the two requests and the two commands that a fetch and a push
// are need less code than the guards around them. A whole branch is fetched each time, never a part of its history, which servers refuse to
// take pushes on.
package writeback
