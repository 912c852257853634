package io.vireo.api;

import io.vireo.control.store.StoreException;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the route of a request, runs it, and turns its answer or failure into a response. */
final class Router extends Handler.Abstract {
    private static final Logger LOG = LoggerFactory.getLogger(Router.class);

    /** In the context of a refusal: the methods that are possible. */
    private static final String ALLOW = "allow";

    private static final String GET = HttpMethod.GET.asString();
    private static final String HEAD = HttpMethod.HEAD.asString();

    private final List<Route> routes;
    private final AccessGuard guard;

    Router(List<Route> routes, AccessGuard guard) {
        this.routes = routes;
        this.guard = guard;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        response.getHeaders().put("X-Content-Type-Options", "nosniff");
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        try {
            guard.checkOrigin(request);
            Match match = match(request);
            if (!match.route.open()) {
                guard.authenticate(request);
            }
            send(
                    match.route.handler().handle(new Exchange(request, match.variables)),
                    request,
                    response,
                    callback);
        } catch (ResourceException e) {
            fail(e, request, response, callback);
        } catch (StoreException e) {
            LOG.error("the store failed", e);
            fail(
                    new ResourceException(ErrorCode.UNAVAILABLE, e.getMessage() + "", e),
                    request,
                    response,
                    callback);
        } catch (RuntimeException e) {
            LOG.error("{} {} failed", request.getMethod(), request.getHttpURI().getPath(), e);
            var defect =
                    new ResourceException(
                            ErrorCode.INTERNAL, "a defect of Vireo; see the daemon's log", e);
            fail(defect, request, response, callback);
        }
        return true;
    }

    private record Match(Route route, Map<String, String> variables) {}

    private Match match(Request request) {
        String path = Request.getPathInContext(request);
        String[] segments = path.split("/", -1);
        // HEAD is GET whose answer has no content (RFC 9110, 9.3.2), wherever there is GET.
        String method = isHead(request) ? GET : request.getMethod();
        TreeSet<String> allowed = new TreeSet<>();
        for (Route route : routes) {
            Optional<Map<String, String>> variables =
                    variables(route.template().split("/", -1), segments);
            if (variables.isPresent()) {
                if (route.method().equals(method)) {
                    return new Match(route, variables.get());
                }
                allowed.add(route.method());
            }
        }
        if (allowed.isEmpty()) {
            throw new ResourceException(
                    ErrorCode.NOT_FOUND,
                    "there is nothing at this path; GET /v1 tells what there is");
        }
        if (allowed.contains(GET)) {
            allowed.add(HEAD);
        }
        String methods = String.join(", ", allowed);
        throw new ResourceException(
                ErrorCode.METHOD_NOT_ALLOWED,
                request.getMethod() + " is not possible here; possible are " + methods,
                Map.of(ALLOW, methods));
    }

    private static boolean isHead(Request request) {
        return HEAD.equals(request.getMethod());
    }

    private static Optional<Map<String, String>> variables(String[] template, String[] segments) {
        if (template.length != segments.length) {
            return Optional.empty();
        }
        Map<String, String> variables = new HashMap<>();
        for (int i = 0; i < template.length; i++) {
            if (template[i].startsWith("{")) {
                variables.put(template[i].substring(1, template[i].length() - 1), segments[i]);
            } else if (!template[i].equals(segments[i])) {
                return Optional.empty();
            }
        }
        return Optional.of(variables);
    }

    private static void send(Reply reply, Request request, Response response, Callback callback) {
        switch (reply) {
            case Reply.Json(int status, var body) ->
                    write(response, callback, status, "application/json", body.toString() + "\n");
            case Reply.Text(String mediaType, String body) ->
                    write(response, callback, 200, mediaType, body);
            case Reply.Stream(String mediaType, Reply.Body body) ->
                    stream(request, response, callback, mediaType, body);
        }
    }

    private static void write(
            Response response, Callback callback, int status, String mediaType, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, mediaType);
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, bytes.length);
        response.write(true, ByteBuffer.wrap(bytes), callback);
    }

    private static void stream(
            Request request,
            Response response,
            Callback callback,
            String mediaType,
            Reply.Body body) {
        response.setStatus(200);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, mediaType);
        if (isHead(request)) {
            // What it would be is known; nothing of it is begun.
            response.write(true, null, callback);
            return;
        }
        try (OutputStream out = Content.Sink.asOutputStream(response)) {
            body.writeTo(out);
            out.close();
            callback.succeeded();
        } catch (IOException e) {
            LOG.debug("the reader of {} went away", request.getHttpURI().getPath(), e);
            callback.failed(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            callback.failed(e);
        }
    }

    private static void fail(
            ResourceException failure, Request request, Response response, Callback callback) {
        int status = Problem.status(failure.code());
        if (failure.code() == ErrorCode.METHOD_NOT_ALLOWED) {
            response.getHeaders().put(HttpHeader.ALLOW, failure.context().get(ALLOW));
        }
        if (failure.code() == ErrorCode.UNAUTHENTICATED) {
            response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer realm=\"vireo\"");
        }
        LOG.debug(
                "{} {}: {}",
                request.getMethod(),
                request.getHttpURI().getPath(),
                failure.getMessage());
        write(response, callback, status, Problem.MEDIA_TYPE, Problem.of(failure) + "\n");
    }

    /** Answers what never reaches a route: requests that are no HTTP, or ambiguous. */
    static boolean malformed(Request request, Response response, Callback callback) {
        int status = response.getStatus() < 400 ? 400 : response.getStatus();
        ErrorCode code = status == 413 || status == 431 ? ErrorCode.TOO_LARGE : ErrorCode.INVALID;
        write(
                response,
                callback,
                status,
                Problem.MEDIA_TYPE,
                Problem.of(
                                status,
                                code,
                                "the request is not acceptable; check its path and headers")
                        + "\n");
        return true;
    }
}
