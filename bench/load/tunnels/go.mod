module turnpike/bench/tunnels

go 1.25
