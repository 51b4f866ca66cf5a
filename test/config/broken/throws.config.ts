const ports: number[] = []

throw new Error(`no port among ${ports.length}`)
