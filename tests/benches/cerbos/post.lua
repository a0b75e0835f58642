wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
local file = io.open(os.getenv("BODY"), "r")
wrk.body = file:read("a")
file:close()
