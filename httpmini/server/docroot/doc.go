// Package docroot is the directory that a server shows to the world, and no byte
// of what lies outside of it.
//
// A Root is a descriptor of the directory as it was when the server started. A
// name is looked up from there by openat2(2) with RESOLVE_BENEATH: the kernel
// itself sees that neither ".." nor a symbolic link leads out, also while names
// are changed on the way. Text cannot tell that: "a/../b" is "b" only if "a" is no
// symbolic link.
//
// A name is first opened with O_PATH, which only marks the place. What is neither
// a regular file nor a directory stays unopened: a FIFO would wait for a writer,
// a device may do anything. From the place the file is then opened by way of
// /proc/self/fd, so it is the one that was looked at.
//
// A Cache keeps what was found: small files as bytes, larger ones as descriptors
// for sendfile(2). What it gives is what the disk has at that moment: it looks at the
// name again each time, and compares all that inode(7) says of a file's state.
package docroot
