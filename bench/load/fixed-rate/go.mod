module turnpike/bench/fixed-rate

go 1.24
