package sockets

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Meaning returns the text of strerror(3) in the C library for an errno, with its
// capital, as other programs print it.
func Meaning(e unix.Errno) string {
	if text, ok := strerror[e]; ok {
		return text
	}
	text := e.Error() // the same words, with a small letter
	return strings.ToUpper(text[:1]) + text[1:]
}

// strerror holds the texts of glibc for the errnos of the calls here. x/sys
// has the same words, but starts them with a small letter.
var strerror = map[unix.Errno]string{
	unix.EPERM:           "Operation not permitted",
	unix.ENOENT:          "No such file or directory",
	unix.EINTR:           "Interrupted system call",
	unix.EIO:             "Input/output error",
	unix.ENXIO:           "No such device or address",
	unix.EBADF:           "Bad file descriptor",
	unix.EAGAIN:          "Resource temporarily unavailable",
	unix.ENOMEM:          "Cannot allocate memory",
	unix.EACCES:          "Permission denied",
	unix.EFAULT:          "Bad address",
	unix.EEXIST:          "File exists",
	unix.EXDEV:           "Invalid cross-device link",
	unix.ENODEV:          "No such device",
	unix.ENOTDIR:         "Not a directory",
	unix.EISDIR:          "Is a directory",
	unix.EINVAL:          "Invalid argument",
	unix.ENFILE:          "Too many open files in system",
	unix.EMFILE:          "Too many open files",
	unix.EFBIG:           "File too large",
	unix.ESPIPE:          "Illegal seek",
	unix.EROFS:           "Read-only file system",
	unix.EPIPE:           "Broken pipe",
	unix.ENAMETOOLONG:    "File name too long",
	unix.ENOSYS:          "Function not implemented",
	unix.ELOOP:           "Too many levels of symbolic links",
	unix.EOVERFLOW:       "Value too large for defined data type",
	unix.ENOTSOCK:        "Socket operation on non-socket",
	unix.EDESTADDRREQ:    "Destination address required",
	unix.EMSGSIZE:        "Message too long",
	unix.EPROTOTYPE:      "Protocol wrong type for socket",
	unix.ENOPROTOOPT:     "Protocol not available",
	unix.EPROTONOSUPPORT: "Protocol not supported",
	unix.ESOCKTNOSUPPORT: "Socket type not supported",
	unix.EOPNOTSUPP:      "Operation not supported",
	unix.EAFNOSUPPORT:    "Address family not supported by protocol",
	unix.EADDRINUSE:      "Address already in use",
	unix.EADDRNOTAVAIL:   "Cannot assign requested address",
	unix.ENETDOWN:        "Network is down",
	unix.ENETUNREACH:     "Network is unreachable",
	unix.ECONNABORTED:    "Software caused connection abort",
	unix.ECONNRESET:      "Connection reset by peer",
	unix.ENOBUFS:         "No buffer space available",
	unix.EISCONN:         "Transport endpoint is already connected",
	unix.ENOTCONN:        "Transport endpoint is not connected",
	unix.ETIMEDOUT:       "Connection timed out",
	unix.ECONNREFUSED:    "Connection refused",
	unix.EHOSTUNREACH:    "No route to host",
	unix.EALREADY:        "Operation already in progress",
	unix.EINPROGRESS:     "Operation now in progress",
	unix.ESTALE:          "Stale file handle",
}
