#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char hello[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Length: 6\r\nConnection: close\r\n\r\nhello\n";

static void check(const char *call, int result) {
    if (result < 0) {
        perror(call);
        exit(1);
    }
}

int main(int argc, char **argv) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check("socket", fd);
    int on = 1;
    check("setsockopt",
          setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons(argc > 1 ? atoi(argv[1]) : 8080),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    check("bind", bind(fd, (struct sockaddr *)&addr, sizeof addr));
    check("listen", listen(fd, SOMAXCONN));
    for (;;) {
        int conn = accept(fd, NULL, NULL);
        check("accept", conn);
        char request[4096];
        if (read(conn, request, sizeof request) > 0)
            write(conn, hello, sizeof hello - 1);
        close(conn);
    }
}
