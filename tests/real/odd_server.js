// A front end that is legal and strange: HTTP/1.1 and HTTP/2 over TLS, before the embedded server.
//
//   node odd_server.js PORT UPSTREAM PEM
//
// What is strange about an answer is asked for with the header x-odd, which may name several things.
"use strict";

const fs = require("fs");
const http = require("http");
const http2 = require("http2");

const [port, upstream, pem] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true });
const seen = new Set();
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "host", "x-odd"]);

const server = http2.createSecureServer({
  key: fs.readFileSync(pem),
  cert: fs.readFileSync(pem),
  allowHTTP1: true,
  paddingStrategy: http2.constants.PADDING_STRATEGY_MAX,
  settings: { maxConcurrentStreams: 50, initialWindowSize: 20000, maxFrameSize: 16384 },
});

server.on("session", (session) => {
  session.ping(() => {});
  session.altsvc('h2=":8000"', "https://127.0.0.1");
  session.origin("https://127.0.0.1");
});

// The first request with a given x-once is refused in some way; the next one is served.
function first(request) {
  const once = request.headers["x-once"];
  if (!once || seen.has(once)) return false;
  seen.add(once);
  return true;
}

function fieldsOf(message) {
  const fields = {};
  for (const [name, value] of Object.entries(message.headers)) if (!name.startsWith(":") && !HOP.has(name)) fields[name] = value;
  return fields;
}

function respond(request, response, odd, status, fields, answer) {
  fields["x-connection"] = String(request.socket.remotePort);
  if (odd.has("many-fields")) for (let i = 0; i < 120; i++) fields[`x-filler-${i}`] = "f".repeat(300);
  if (odd.has("no-length") || odd.has("trailers")) delete fields["content-length"];
  if (odd.has("trailers") && request.httpVersion === "1.1") fields["trailer"] = "x-checksum";
  response.writeHead(status, fields);
  if (odd.has("flush-head")) response.flushHeaders && response.flushHeaders();
  answer.on("data", (chunk) => {
    if (odd.has("byte-by-byte")) for (const byte of chunk) response.write(Buffer.from([byte]));
    else response.write(chunk);
  });
  answer.on("end", () => {
    if (odd.has("trailers")) response.addTrailers({ "x-checksum": "abc" });
    if (odd.has("goaway-after") && request.stream) request.stream.session.close();
    if (odd.has("late-end")) setTimeout(() => response.end(), 50);
    else response.end();
  });
  answer.on("aborted", () => response.destroy());
}

// An answer in chunks that carry extensions, written by hand: Node has no way to say it.
function respondInOddChunks(request, answer) {
  const socket = request.socket;
  socket.write(`HTTP/1.1 ${answer.statusCode}\r\nContent-Type: ${answer.headers["content-type"]}\r\nTRANSFER-ENCODING: Chunked\r\n` +
    `x-connection:${socket.remotePort}\r\nx-empty:\r\nx-folded-not: \t spaces \t\r\n\r\n`);
  answer.on("data", (chunk) => {
    socket.write(`000${chunk.length.toString(16).toUpperCase()};name=value;quoted="a b";flag\r\n`);
    socket.write(chunk);
    socket.write("\r\n");
  });
  answer.on("end", () => socket.write("000;last\r\nX-Trailer: there\r\n\r\n"));
}

function interim(request, response, odd) {
  if (!odd.has("early-hints")) return;
  response.writeContinue();
  if (response.writeEarlyHints) response.writeEarlyHints({ link: "</v1/models>; rel=preload" });
  if (request.stream) request.stream.additionalHeaders({ ":status": 103, "x-again": "1" });
}

function shrink(session) {
  if (!session.shrunk) session.settings({ maxConcurrentStreams: 2, initialWindowSize: 100, headerTableSize: 0 });
  session.shrunk = true;
}

function refuse(request, odd) {
  const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;
  if (odd.has("refuse") && request.stream) request.stream.close(NGHTTP2_REFUSED_STREAM);
  else if (odd.has("reset") && request.stream) request.stream.close(NGHTTP2_INTERNAL_ERROR);
  else if (odd.has("calm") && request.stream) request.stream.session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, request.stream.id - 2);
  else request.socket.destroy();
}

server.on("request", (request, response) => {
  const odd = new Set((request.headers["x-odd"] || "").split(" ").filter(Boolean));
  if (first(request)) return refuse(request, odd);
  if (odd.has("shrink") && request.stream) shrink(request.stream.session);
  if (odd.has("early-refusal")) {  // answers before the body of the request has come
    const body = JSON.stringify({ error: { message: "too large for me", type: "invalid_request_error", param: null, code: null } });
    const fields = { "content-type": "application/json", "content-length": body.length };
    if (!request.stream) fields.connection = "close";
    response.writeHead(413, fields);
    response.end(body);
    request.resume();
    return;
  }
  interim(request, response, odd);
  const fields = fieldsOf(request);
  const onward = http.request({ port: upstream, host: "127.0.0.1", method: request.method, path: request.url, headers: fields, agent });
  onward.on("response", (answer) => {
    if (odd.has("chunk-extensions") && !request.stream) respondInOddChunks(request, answer);
    else respond(request, response, odd, answer.statusCode, fieldsOf(answer), answer);
  });
  onward.on("error", () => {
    if (response.headersSent) return response.destroy && response.destroy();
    response.writeHead(502, { "content-type": "text/html" });
    response.end("<html><h1>the odd server has lost its upstream</h1></html>");
  });
  request.pipe(onward);
  const gone = () => onward.destroy();
  if (request.stream) request.stream.on("close", () => { if (request.stream.rstCode) gone(); });
  else request.on("aborted", gone);
});

server.on("sessionError", () => {});
server.listen(Number(port), "127.0.0.1");
