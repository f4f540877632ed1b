require('http').createServer((req, res) => res.end('hello\n'))
  .listen(process.argv[2], '127.0.0.1')
