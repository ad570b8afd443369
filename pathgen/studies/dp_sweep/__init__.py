"""What differential privacy costs and buys: accuracy and the strongest attack against epsilon."""
