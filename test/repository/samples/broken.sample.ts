throw new Error('cannot even be collected')
